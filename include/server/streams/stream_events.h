#ifndef SERVER_STREAMS_STREAM_EVENTS_H
#define SERVER_STREAMS_STREAM_EVENTS_H

#include "server/streams/stream_table.h"

/* The events of stream clients for subscribers: a client sends a message, joins, leaves, or is
 * refused. */

/* Publishes the message of a client, if a subscriber wants messages. */
void stream_events_message(const struct stream_client *client, const uint8_t *bytes, size_t size,
                           uint64_t now_ms);

/* Publishes an event of a client, which is still in the table. */
void stream_events_client(const struct stream_client *client, enum event_kind kind,
                          enum event_reason reason);

/* Publishes that a connection was refused. addr is of family ADDR_NONE on a Unix socket. */
void stream_events_refused(const struct stream_clients *table, uint8_t listener,
                           const struct addr *addr);

#endif
