#ifndef OS_LOG_STDOUT_LINE_H
#define OS_LOG_STDOUT_LINE_H

#include "os/loop/mailbox.h"
#include "os/loop/thread.h"

#include <pthread.h>
#include <stdbool.h>

/* Writes one line to standard output in a thread of its own, so that a blocked reader (a full pipe,
 * a stopped terminal) does not delay the caller, and reports whether it could be written. */

typedef void stdout_line_done(void *state, int error);

struct stdout_line {
    struct mailbox_message message;
    pthread_mutex_t lock;
    bool ended, abandoned; /* under the lock */
    struct mailbox *mailbox;
    struct thread *thread; /* NULL: not started */
    char *text;
    int error;
    stdout_line_done *done;
    void *state;
};

/* Writes text, and then calls done in the thread of the mailbox's loop, with 0 or -errno. A closed
 * standard output (EBADF) counts as success. text was allocated, and is freed here. *line must stay
 * valid until the process ends. Returns 0, or -errno; then nothing was started. */
int stdout_line_start(struct stdout_line *line, char *text, struct mailbox *mailbox,
                      stdout_line_done *done, void *state);

/* Call it before the mailbox is freed. A thread that still waits for its reader is not joined. */
void stdout_line_stop(struct stdout_line *line);

#endif
