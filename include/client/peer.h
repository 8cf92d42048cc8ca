#ifndef CLIENT_PEER_H
#define CLIENT_PEER_H

#include "address/target.h"
#include "net/message/line_socket.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The connection to the peer: resolves the target of the command line and connects to it, sends and
 * receives messages over UDP, TCP, a Unix socket or in a multicast group, and explains errors. */

enum {
    PEER_ADDRESSES_MAX = 16,
    PEER_CONNECT_MS = 10000, /* TCP connect timeout; the kernel's default is two minutes (tcp(7)) */
};

/* How to reach the peer. */
struct peer_route {
    const struct target *target;
    bool group;            /* the target is a multicast group to join */
    const char *interface; /* of a group; NULL: the target's, or the one that the routes give */
    uint8_t ttl;           /* of a group */
    int family;            /* enum addr_family; ADDR_NONE: any */
};

/* The addresses of a target, in the order in which they are tried. */
struct peer_addresses {
    const struct peer_route *route;
    uint32_t interface; /* index, of a group */
    struct addr addrs[PEER_ADDRESSES_MAX];
    int count;
    int next; /* the first one that was not tried yet */
};

/* Resolves the target. Returns NULL, or an error text that the next call may overwrite. The route
 * must outlive the addresses. */
const char *peer_addresses_resolve(struct peer_addresses *addresses,
                                   const struct peer_route *route);

/* A connected peer. */
struct peer {
    bool stream, group;
    struct addr addr;
    char name[5 + TRANSPORT_PATH_BYTES];
    char sender[ADDR_TEXT_BYTES]; /* of the last message received from a group */
    int socket;
    struct line_socket lines; /* of a stream */
};

/* Connects to the next address that accepts, or joins the group. Returns 0, or the last -errno
 * (-ENOENT: no address was left). */
int peer_connect(struct peer *peer, struct peer_addresses *addresses);
void peer_close(struct peer *peer);

/* Returns whether another address can be tried: the peer is a UDP service and its name has more
 * addresses. */
bool peer_has_alternative(const struct peer *peer, const struct peer_addresses *addresses);

/* Returns whether the peer may send frames (wire/frame): a UDP service may; on a stream and in a
 * group the same bytes are a message. */
bool peer_sends_frames(const struct peer *peer);

/* Sends a message; returns as datagram_send or line_socket_send does. */
int peer_send(struct peer *peer, const void *bytes, size_t size);

/* Sends buffered bytes of a stream. Returns whether some are left; then call it again when the
 * socket is writable. Errors are returned by the next peer_receive. */
bool peer_flush(struct peer *peer);

/* Shuts down the sending side of a stream after the buffered bytes. */
void peer_end_sending(struct peer *peer);

/* Receives a message; returns as datagram_receive or line_socket_receive does (-ENODATA: the stream
 * has ended). Sets *from to the sender's name, valid until the next call. */
ssize_t peer_receive(struct peer *peer, void *bytes, size_t capacity, uint64_t *time_ms,
                     const char **from);

/* Returns whether an error of peer_receive ends the connection: errors of a stream do, whereas
 * after an error of a datagram others may follow, unless the error lasts. */
bool peer_error_is_final(const struct peer *peer, int error);

/* Return what an error of connecting, sending or receiving means (-errno; -ETIMEDOUT: no reply;
 * -ENODATA: the service has closed the connection), and what to do about it. Static strings. */
const char *peer_error_reason(int error);
const char *peer_error_advice(int error);

#endif
