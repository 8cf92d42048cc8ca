#ifndef OS_LOOP_STANDARD_INPUT_H
#define OS_LOOP_STANDARD_INPUT_H

#include "os/loop/event_loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A descriptor that others share, such as standard input, read in a loop: a terminal, a pipe, or a
 * regular file (which epoll refuses and which is always ready). It is never made non-blocking,
 * since that would hold for everyone who has it open. */
struct standard_input {
    struct loop *loop;
    struct loop_handler handler;
    struct loop_task task;
    loop_run *ready;
    void *state;
    int fd;
    bool wanted;
};

/* Prepares a paused input; ready will be called when one read would not block. The caller keeps the
 * descriptor, and the input where it is. */
void standard_input_open(struct standard_input *input, struct loop *loop, int fd, loop_run *ready,
                         void *state);

/* Both may be repeated. Resuming gives 0 or -errno. */
int standard_input_resume(struct standard_input *input);
void standard_input_pause(struct standard_input *input);

/* One read. Returns the bytes read, 0 at the end, or -errno. A terminal that is gone is at its
 * end or says -EIO. */
ssize_t standard_input_read(const struct standard_input *input, void *bytes, size_t room);

/* Whether a terminal or a pipe has bytes to be read. */
bool standard_input_waits(const struct standard_input *input);

/* Opens /dev/null in place of each standard descriptor that the program was started without, so
 * that no socket gets its number, and with it what is printed. Standard input is then at its end,
 * what goes to standard error is lost, and writing to standard output fails (EBADF), since a
 * program that can't print its results has failed. Before anything else is opened. 0 or -errno. */
int standard_input_reserve_standard(void);

#endif
