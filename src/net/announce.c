/* Writes a line to standard output in a thread of its own. */
#include "net/announce.h"

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
    struct announcement *announcement = state;
    int error = write_to_stdout(announcement->text);

    pthread_mutex_lock(&announcement->lock);
    announcement->error = error;
    announcement->ended = true;
    if (!announcement->abandoned)
        mailbox_post(announcement->mailbox, &announcement->mail);
    pthread_mutex_unlock(&announcement->lock);
}

static void open_mail(struct mail *mail)
{
    struct announcement *announcement = (struct announcement *)mail;
    announcement->done(announcement->state, announcement->error);
}

int announce_start(struct announcement *announcement, char *text, struct mailbox *mailbox,
                   announce_done *done, void *state)
{
    *announcement = (struct announcement){
        .mail.open = open_mail,
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

void announce_stop(struct announcement *announcement)
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
