#ifndef SERVER_STREAMS_STREAM_ACCEPT_H
#define SERVER_STREAMS_STREAM_ACCEPT_H

#include "base/handover.h"
#include "server/streams/stream_table.h"

#include <stdbool.h>

/* Accepts and refuses connections of stream clients. */

/* Starts to accept on all listeners of the options. Returns 0 or -errno; call stream_accept_close
 * in both cases. */
int stream_accept_open(struct stream_clients *table);
void stream_accept_close(struct stream_clients *table);

/* Replaces the socket of a listener by another one, which takes over the number of the descriptor.
 * Sets *socket to -1 on success. */
void stream_accept_replace_socket(struct stream_clients *table, uint8_t listener, int *socket);

/* Makes the stream of a client from the record of another process. Returns NULL if that fails:
 * framed_stream_take_over. */
struct framed_stream *stream_accept_take_over(struct stream_client *client,
                                              struct handover_reader *reader);

/* Whether the access list excludes the address. Clients of Unix sockets have no address: the owner
 * and mode of the file decide. */
bool stream_accept_is_denied(const struct stream_clients *table, const struct addr *addr);

#endif
