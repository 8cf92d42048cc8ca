#ifndef SERVER_LISTEN_SOCKET_RENEWAL_H
#define SERVER_LISTEN_SOCKET_RENEWAL_H

#include "admission/broadcast_addrs.h"
#include "config/config.h"
#include "server/listen/send_socket_set.h"

/* What a change of the host's interfaces brings to one worker: the broadcast addresses, and sockets
 * that take the place of those that it has, of listeners whose interface was made anew. */
struct socket_renewal {
    struct broadcast_addrs broadcast_addrs;
    struct renewed_listener {
        int socket; /* receives or accepts; -1: this listener stays as it is */
        struct send_socket_set senders;
    } listeners[CONFIG_LISTEN_MAX];
    int multicast; /* sends to broadcast.multicast; -1: as before */
    struct addr multicast_from;
    struct addr *multicast_own; /* where multicast_from is to be written */
};

/* No socket is in it. */
void socket_renewal_init(struct socket_renewal *renewal);

/* Adds the sockets of a listener; those that are there already, and were not yet taken, go. */
void socket_renewal_add(struct socket_renewal *renewal, size_t listener, int socket,
                        const struct send_socket_set *senders);

/* Closes the sockets that nobody has taken. */
void socket_renewal_close(struct socket_renewal *renewal);

#endif
