#ifndef SERVER_STREAMS_STREAM_DISCONNECT_H
#define SERVER_STREAMS_STREAM_DISCONNECT_H

#include "server/streams/stream_table.h"

#include <stdint.h>

/* Disconnects stream clients: those that read too slowly, send a line that is too long, end the
 * connection, are idle, or are kicked. */

/* Handles the end of a connection with this error of net/message/framed_stream; -ENOBUFS: the
 * client reads so slowly that more than server.stream-buffer would have to be buffered for it. */
void stream_disconnect_closed(struct stream_client *client, int error);

/* Call it when the kernel has accepted all output of the client. Frees a closing client; resumes
 * reading the lines of another one. */
void stream_disconnect_drained(struct stream_client *client);

/* Disconnects the clients that were idle, or closing, for too long. */
void stream_disconnect_idle(struct stream_clients *table, uint64_t now_ms);

/* Disconnects a client and counts it as kicked. reason is that of the event. */
void stream_disconnect_kick(struct stream_client *client, enum event_reason reason);

#endif
