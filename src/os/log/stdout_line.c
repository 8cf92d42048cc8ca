/* Writes a line to standard output in a thread of its own. */
#include "os/log/stdout_line.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int write_to_stdout(const char *text)
{
    struct pollfd wait = {.fd = STDOUT_FILENO, .events = POLLOUT};
    size_t size = strlen(text);

    while (size > 0) {
        ssize_t part = write(STDOUT_FILENO, text, size);
        if (part >= 0) {
            text += part;
            size -= (size_t)part;
        } else if (errno == EAGAIN) {
            poll(&wait, 1, -1); /* somebody who shares it has made it non-blocking */
        } else if (errno != EINTR) {
            return errno == EBADF ? 0 : -errno;
        }
    }
    return 0;
}

static void run(void *state)
{
    struct stdout_line *announcement = state;
    int error = write_to_stdout(announcement->text);

    pthread_mutex_lock(&announcement->lock);
    announcement->error = error;
    announcement->ended = true;
    if (!announcement->abandoned)
        mailbox_post(announcement->mailbox, &announcement->mailbox_message);
    pthread_mutex_unlock(&announcement->lock);
}

static void open_mail(struct mailbox_message *mailbox_message)
{
    struct stdout_line *announcement = (struct stdout_line *)mailbox_message;
    announcement->done(announcement->state, announcement->error);
}

int stdout_line_start(struct stdout_line *announcement, char *text, struct mailbox *mailbox,
                      stdout_line_done *done, void *state)
{
    *announcement = (struct stdout_line){
        .mailbox_message.open = open_mail,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .mailbox = mailbox,
        .text = text,
        .done = done,
        .state = state,
    };
    announcement->thread = thread_start("announce", run, announcement);
    if (announcement->thread != NULL)
        return 0;
    int error = -errno;
    free(text);
    return error;
}

void stdout_line_stop(struct stdout_line *announcement)
{
    if (announcement->thread == NULL)
        return;
    pthread_mutex_lock(&announcement->lock);
    bool ended = announcement->ended;
    announcement->abandoned = true;
    pthread_mutex_unlock(&announcement->lock);
    if (!ended)
        return;
    thread_join(announcement->thread);
    announcement->thread = NULL;
    free(announcement->text);
}
