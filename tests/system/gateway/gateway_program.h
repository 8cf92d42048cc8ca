#ifndef SYSTEM_GATEWAY_PROGRAM_H
#define SYSTEM_GATEWAY_PROGRAM_H

#include "harness.h"

/* `udpctl gateway` as a process, whose lines of output are taken one after the other. */
struct gateway {
    struct process process;
    size_t taken; /* bytes of its output */
};

/* Starts it with the arguments that follow `gateway`, which end with NULL, and waits until it has
 * the result of a first request. */
void gateway_start(struct gateway *gateway, const struct server *server, ...)
    __attribute__((sentinel));

/* Writes a request, and its newline. */
void gateway_write(struct gateway *gateway, const char *request);

/* Writes text without reading the output of the process. Fails the test if the process does not
 * take it. */
void gateway_write_without_reading(struct gateway *gateway, const char *text, size_t size);

/* Returns the next line, or NULL after the last one. */
const char *gateway_line(struct gateway *gateway);

/* Expects the next line, which is text, or has it as a part. */
void gateway_expect(struct gateway *gateway, const char *line);
void gateway_expect_part(struct gateway *gateway, const char *part);

/* Ends the input, expects no further line, and expects status 0. */
void gateway_end(struct gateway *gateway);

#endif
