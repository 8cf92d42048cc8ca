#ifndef OS_LOOP_STANDARD_INPUT_H
#define OS_LOOP_STANDARD_INPUT_H

#include "os/loop/event_loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Reads standard input, or another descriptor that processes share, in a loop: a terminal, a pipe,
 * or a regular file (which epoll refuses and which is always ready). The descriptor is never made
 * non-blocking, since that would change it for every process that has it open. */
struct standard_input {
    struct loop *loop;
    struct loop_handler handler;
    struct loop_task task;
    loop_callback *ready;
    void *state;
    int fd;
    bool wanted;
};

/* Prepares a paused input; ready will be called when one read would not block. The caller keeps the
 * descriptor, and must not move the structure. */
void standard_input_open(struct standard_input *input, struct loop *loop, int fd,
                         loop_callback *ready, void *state);

/* Resumes or pauses the calls of ready; both may be repeated. standard_input_resume returns 0 or
 * -errno. */
int standard_input_resume(struct standard_input *input);
void standard_input_pause(struct standard_input *input);

/* Reads once. Returns the number of bytes, 0 at the end, or -errno. A terminal that is disconnected
 * gives 0 or -EIO. */
ssize_t standard_input_read(const struct standard_input *input, void *bytes, size_t capacity);

/* Whether a terminal or a pipe has bytes that can be read now. */
bool standard_input_has_bytes(const struct standard_input *input);

#endif
