/* For the target `control`: the connection of one operator or observer, in place of net/message/
 * framed_stream, and the peer at its other end. It keeps to the contract of that header: no
 * callback during a call, no line while the stream is paused, and a line is freed with its stream.
 */
#ifndef FUZZ_CONTROL_PEER_H
#define FUZZ_CONTROL_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether there is a connection, and whether its session gets the next line or the end of the
 * input. */
bool peer_is_connected(void);
bool peer_is_read(void);

/* Both only if peer_is_read: sends a line without its newline; ends the input with an error of
 * struct framed_stream_callbacks. */
void peer_send(const uint8_t *line, size_t size);
void peer_end_input(int error);

/* Closes both directions. */
void peer_leave(void);

/* The next write to the peer fails. */
void peer_break(void);

/* Reports a write that has failed. Returns false if there is none. */
bool peer_report_failure(void);

/* The peer reads nothing from now on, or reads again. */
void peer_stop_reading(void);
void peer_start_reading(void);

/* Reads what waits. Returns false if there is nothing. */
bool peer_read(void);

#endif
