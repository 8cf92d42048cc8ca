#ifndef SERVER_STREAMS_STREAM_LINES_H
#define SERVER_STREAMS_STREAM_LINES_H

#include "server/streams/stream_table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lines of stream clients: each received line is counted, answered and relayed like a datagram. */

/* Writes a payload as a line into table->line: an LF in it becomes a space. Returns the length of
 * the line. */
size_t stream_lines_make(struct stream_clients *table, const uint8_t *bytes, size_t size);

/* Sends a payload as a line to one client. Returns false if the connection has ended or its buffer
 * is full; the client is then removed soon after. */
bool stream_lines_send(struct stream_client *client, const uint8_t *bytes, size_t size);

/* Handles a line that a client has sent. */
void stream_lines_receive(struct stream_client *client, const uint8_t *bytes, size_t size);

/* Handles a line that is longer than server.max-datagram: counts it, sends an error line, and
 * discards what the client still sends. Call it after the client has begun to close. */
void stream_lines_refuse_too_long(struct stream_client *client);

#endif
