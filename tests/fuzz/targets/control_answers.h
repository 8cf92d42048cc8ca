/* For the target `control`: checks what the peer of a session reads against what it has sent. Each
 * command gets one complete answer, and each request of a gateway one result or error. */
#ifndef FUZZ_CONTROL_ANSWERS_H
#define FUZZ_CONTROL_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A session begins. */
void answers_open(void);

/* The peer sends a line, without its newline: call the first before the session gets the line, and
 * the second when it has returned. */
void answers_sent(const uint8_t *line, size_t size);
void answers_handled(void);

/* The input of the peer ends, with the error of struct framed_stream_callbacks. */
void answers_input_ended(int error);

/* The peer reads bytes of the session. */
void answers_read(const char *bytes, size_t size);

/* The connection ends. An answer may be incomplete if the peer has left, or the server stops. */
void answers_close(bool may_be_incomplete);

/* Whether the peer waits for the rest of an answer that lasts until it leaves (`listen`,
 * `events`). */
bool answers_last(void);

/* Whether the peer sends requests to a gateway. */
bool answers_are_of_gateway(void);

/* Nothing is pending: no request may wait for its result any more. */
void answers_check_all_answered(void);

#endif
