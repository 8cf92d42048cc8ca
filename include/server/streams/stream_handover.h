#ifndef SERVER_STREAMS_STREAM_HANDOVER_H
#define SERVER_STREAMS_STREAM_HANDOVER_H

#include "base/handover.h"
#include "base/stats.h"
#include "server/streams/stream_clients.h"

#include <stdint.h>

/* Hands the stream clients over to another process of the server: the table with its numbers, and
 * each connection with its unread and unsent bytes. */

/* Adds all clients to the current record. streams is NULL if there is no stream listener. Call it
 * while the worker's thread does not run. Nothing changes, so that this process may go on; once the
 * other one has the clients, stream_clients_close closes only the descriptors, and the clients stay
 * connected. */
void stream_clients_hand_over(const struct stream_clients *streams, struct handover_writer *writer);

/* Reads what stream_clients_hand_over has written. listeners has the number of each listener here
 * by its number there, CONFIG_LISTEN_MAX or more if there is none with the same address. Call it
 * before the worker's thread starts, and after its counters, *stats, were taken over.
 *
 * -  A client keeps its place and its numbers, so that a broadcast can go on at its place.
 * -  A client whose listener does not exist any more is disconnected, and counted in
 * streams_closed.
 * -  More clients than server.stream-max stay until they leave; no other is accepted meanwhile.
 * -  Clients that the access list of this process excludes are kicked when the thread has started.
 * -  Unread and unsent bytes: net/message/framed_stream_handover.
 *
 * Returns 0, -EPROTO if the record does not fit, or -ENOMEM. */
int stream_clients_take_over(struct stream_clients *streams, struct handover_reader *reader,
                             const uint8_t *listeners, struct stats *stats);

#endif
