#ifndef SERVER_STREAMS_STREAM_MESSAGES_H
#define SERVER_STREAMS_STREAM_MESSAGES_H

#include "server/streams/stream_table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Messages from and to stream clients: each received message is counted, answered and relayed like
 * a datagram. How a message stands in the stream of bytes depends on server.stream-framing: under
 * line it is a line; under chunk it is what one read brings, and what one write takes. */

/* What is written to a stream for one message. */
struct stream_message {
    const uint8_t *bytes;
    size_t size; /* 0 only under chunk, where an empty message has no byte */
};

/* Returns what to write for a payload. Under line an LF in it becomes a space, and an LF follows
 * it; that stands in table->line until the next call. Under chunk it is the payload itself. */
struct stream_message stream_messages_make(struct stream_clients *table, const uint8_t *bytes,
                                           size_t size);

/* Sends a payload to one client. Returns false if the connection has ended or its buffer is full;
 * the client is then removed soon after. Under chunk an empty payload sends nothing, and returns
 * true. */
bool stream_messages_send(struct stream_client *client, const uint8_t *bytes, size_t size);

/* Handles a message that a client has sent. */
void stream_messages_receive(struct stream_client *client, const uint8_t *bytes, size_t size);

/* Handles a chunk that is longer than server.max-datagram: counts and drops it, like a datagram of
 * that size. The client stays connected. */
void stream_messages_drop_too_long(struct stream_client *client);

/* Handles a line that is longer than server.max-datagram: counts it, sends an error line, and
 * discards what the client still sends. Call it after the client has begun to close. */
void stream_messages_refuse_too_long(struct stream_client *client);

#endif
