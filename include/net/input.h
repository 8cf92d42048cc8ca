#ifndef NET_INPUT_H
#define NET_INPUT_H

#include "net/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A descriptor that others share, such as standard input, read in a loop: a terminal, a pipe, or a
 * regular file (which epoll refuses and which is always ready). It is never made non-blocking,
 * since that would hold for everyone who has it open. */
struct input {
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
void input_open(struct input *input, struct loop *loop, int fd, loop_run *ready, void *state);

/* Both may be repeated. Resuming gives 0 or -errno. */
int input_resume(struct input *input);
void input_pause(struct input *input);

/* One read. Returns the bytes read, 0 at the end, or -errno. A terminal that is gone is at its
 * end or says -EIO. */
ssize_t input_read(const struct input *input, void *bytes, size_t room);

/* Whether a terminal or a pipe has bytes to be read. */
bool input_waits(const struct input *input);

/* Opens /dev/null in place of each standard descriptor that the program was started without, so
 * that no socket gets its number, and with it what is printed. Standard input is then at its end,
 * what goes to standard error is lost, and writing to standard output fails (EBADF), since a
 * program that can't print its results has failed. Before anything else is opened. 0 or -errno. */
int input_reserve_standard(void);

#endif
