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
            poll(&wait, 1, -1); /* another process has made it non-blocking */
        } else if (errno != EINTR) {
            return errno == EBADF ? 0 : -errno;
        }
    }
    return 0;
}

static void run(void *state)
{
    struct stdout_line *line = state;
    int error = write_to_stdout(line->text);

    pthread_mutex_lock(&line->lock);
    line->error = error;
    line->ended = true;
    if (!line->abandoned)
        mailbox_post(line->mailbox, &line->message);
    pthread_mutex_unlock(&line->lock);
}

static void call_done(struct mailbox_message *message)
{
    struct stdout_line *line = (struct stdout_line *)message;
    line->done(line->state, line->error);
}

int stdout_line_start(struct stdout_line *line, char *text, struct mailbox *mailbox,
                      stdout_line_done *done, void *state)
{
    *line = (struct stdout_line){
        .message.handle = call_done,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .mailbox = mailbox,
        .text = text,
        .done = done,
        .state = state,
    };
    line->thread = thread_start("announce", run, line);
    if (line->thread != NULL)
        return 0;
    int error = -errno;
    free(text);
    return error;
}

void stdout_line_stop(struct stdout_line *line)
{
    if (line->thread == NULL)
        return;
    pthread_mutex_lock(&line->lock);
    bool ended = line->ended;
    line->abandoned = true;
    pthread_mutex_unlock(&line->lock);
    if (!ended)
        return;
    thread_join(line->thread);
    line->thread = NULL;
    free(line->text);
}
