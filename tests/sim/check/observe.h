#ifndef SIM_CHECK_OBSERVE_H
#define SIM_CHECK_OBSERVE_H

#include "net/message/datagram_batch.h"
#include "sim/net/connection.h"
#include "sim/net/udp.h"

#include <stdbool.h>
#include <stddef.h>

/* What the simulated kernel sees of the server, passed to the oracles. None of them asks the
 * server; they know only what went in and out. */

/* recvmmsg(2) has returned this datagram. */
void observe_received(int socket, const struct datagram *datagram, bool is_earlier);
/* The program of the offload has answered this packet of a client of a worker, or taken it without
 * a reply. */
void observe_offloaded(const struct packet *packet, int worker, bool has_reply, const void *bytes,
                       size_t size);
/* The program of the offload has noted by which link a packet came. */
void observe_noted(const struct packet *packet);
/* An Ethernet frame with a copy has left, past the sockets. */
struct observed_frame {
    struct addr from, to;
    uint32_t interface; /* its index */
    uint8_t ethernet_from[6], ethernet_to[6];
    const uint8_t *bytes;
    size_t size;
};
void observe_frame(const struct observed_frame *frame);
/* A reply, challenge or pong to that datagram is queued. */
void observe_reply(const struct datagram *request, const void *bytes, size_t size);
/* sendmmsg(2) has taken a datagram (error 0) or refused it. */
void observe_sent(int socket, const struct addr *to, const void *bytes, size_t size, int error);
/* It had no space for one. */
void observe_full(int socket);
/* It had no space for the copy to the multicast group, which waits; epoll does not watch a socket,
 * so that copy fails. */
void observe_group_waits(const void *bytes, size_t size);
void observe_not_watched(int socket);

/* A message of a stream was delivered, and its callback has returned. */
void observe_message_received(struct connection *connection, const char *message, size_t size);
void observe_message_handled(void);
/* A chunk was too long, and is dropped. */
void observe_chunk_too_long(void);
/* The server wrote that to a stream. */
void observe_written(struct connection *connection, const char *bytes, size_t size, bool taken);
void observe_stream_closed(struct connection *connection, int error);

/* After each step: the registry against the model, for the sources of the last datagrams and some
 * others. */
void observe_after_step(void);

/* The server has ended. */
void observe_reset(void);

#endif
