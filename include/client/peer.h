#ifndef CLIENT_PEER_H
#define CLIENT_PEER_H

#include "address/target.h"
#include "net/message/line_socket.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    PEERS_MAX = 16,
    PEER_CONNECT_MS =
        10000, /* for a connection; the kernel's own patience is two minutes (tcp(7)) */
};

/* Where lines go and messages come from: a service by datagrams, a service by stream, or a
 * multicast group, where there is no service. */
struct peer_way {
    const struct target *target;
    bool group;            /* the target is one, to be joined */
    const char *interface; /* of a group; NULL: the target's, or as the routes say */
    uint8_t ttl;           /* of a group */
    int family;            /* enum addr_family, ADDR_NONE for either */
};

/* The addresses of a target, in the order to try. */
struct peers {
    const struct peer_way *way;
    uint32_t interface; /* index, of a group */
    struct addr addrs[PEERS_MAX];
    int count;
    int next; /* the first that is untried */
};

/* Looks the target up. Returns NULL, or what is wrong, a text that the next look-up may overwrite.
 * The way outlives the peers. */
const char *peers_find(struct peers *peers, const struct peer_way *way);

/* One of them, connected. */
struct peer {
    bool stream, group;
    struct addr addr;
    char name[5 + TRANSPORT_PATH_BYTES];
    char sender[ADDR_TEXT_BYTES]; /* of the message last received from a group */
    int socket;
    struct line_socket lines; /* of a stream */
};

/* Connects to the first untried address that there is a way to, or joins the group. 0 or -errno of
 * the last (-ENOENT: none was left). */
int peer_connect(struct peer *peer, struct peers *peers);
void peer_close(struct peer *peer);

/* Whether another address may be tried: datagrams go to a service whose name has more of them. */
bool peer_may_change(const struct peer *peer, const struct peers *peers);

/* Sends a message, as datagram_send or line_socket_send does. */
int peer_send(struct peer *peer, const void *bytes, size_t size);

/* Sends what a stream has not yet taken whole. Whether something is left: then once more when the
 * socket has room. Errors are told by the next peer_receive. */
bool peer_flush(struct peer *peer);

/* No more is sent: a stream's side of ours ends. */
void peer_finish(struct peer *peer);

/* Receives a message, as datagram_receive or line_socket_receive does: -ENODATA when a stream has
 * come to its end. *from is who sent it, valid until the next one. */
ssize_t peer_receive(struct peer *peer, void *bytes, size_t room, uint64_t *time_ms,
                     const char **from);

/* Whether an error of peer_send or peer_receive is the end: a stream is over then, whereas a
 * datagram may be followed by others. */
bool peer_is_over(const struct peer *peer, int error);

/* What an error of connecting, sending or receiving (-errno; -ETIMEDOUT: nothing came back;
 * -ENODATA: the service has ended the connection) means, and what to do about it. Static strings.
 */
const char *peer_why(int error);
const char *peer_next(int error);

#endif
