#ifndef OS_LOG_STDOUT_LINE_H
#define OS_LOG_STDOUT_LINE_H

#include "os/loop/thread.h"

#include <pthread.h>
#include <stdbool.h>

/* A line on standard output, written by a thread of its own, so that a reader that stands still (a
 * full pipe, a stopped terminal) holds nobody else up, and a line that can't be written is known.
 */

typedef void stdout_line_done(void *state, int error);

struct stdout_line {
    struct mailbox_message mailbox_message;
    pthread_mutex_t lock;
    bool ended, abandoned; /* under the lock */
    struct mailbox *mailbox;
    struct thread *thread; /* NULL: not started */
    char *text;
    int error;
    stdout_line_done *done;
    void *state;
};

/* Writes text, and then calls done in the thread of the mailbox's loop, with 0 or -errno; without
 * any standard output (EBADF) there is nobody to tell, which is no error. text was allocated, and
 * is the announcement's from now on. The announcement stays where it is until the process ends. 0
 * or -errno: nothing was started. */
int stdout_line_start(struct stdout_line *announcement, char *text, struct mailbox *mailbox,
                      stdout_line_done *done, void *state);

/* Before the mailbox is freed. A thread that still waits for its reader is left behind. */
void stdout_line_stop(struct stdout_line *announcement);

#endif
