#ifndef OS_LOOP_STANDARD_OUTPUT_H
#define OS_LOOP_STANDARD_OUTPUT_H

#include "os/loop/event_loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Writes standard output, or another descriptor that processes share, in a loop, without waiting
 * for the process that reads it. The descriptor is never made non-blocking, since that would change
 * it for every process that has it open: at most PIPE_BUF bytes are written at a time, and only
 * when the descriptor is ready, which does not block for a pipe or a socket that nothing else
 * writes to. A regular file, which epoll refuses, is always ready. */
struct standard_output {
    struct loop *loop;
    struct loop_handler handler; /* added while bytes wait */
    loop_callback *written;
    void *state;
    int fd;
    bool is_always_ready;
    int error; /* -errno of the first failure; later bytes are dropped */
    char *bytes;
    size_t begin, end, room;
};

/* written is called from the loop each time that bytes which waited were written, and when writing
 * has failed. The caller keeps the descriptor, and must not move the structure. */
void standard_output_open(struct standard_output *output, struct loop *loop, int fd,
                          loop_callback *written, void *state);

/* Returns a new stream that writes to the output, with a buffer of its own: call fflush at the end
 * of a round, and fclose before standard_output_close. Returns NULL if memory is short. */
FILE *standard_output_stream(struct standard_output *output);

/* Returns how many bytes wait; the caller writes no more when these are too many. */
size_t standard_output_waiting_bytes(const struct standard_output *output);

/* Writes what waits, however long that takes, and frees the memory. Returns 0, or the -errno of the
 * first failure. */
int standard_output_close(struct standard_output *output);

#endif
