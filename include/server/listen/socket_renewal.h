#ifndef SERVER_LISTEN_SOCKET_RENEWAL_H
#define SERVER_LISTEN_SOCKET_RENEWAL_H

#include "admission/broadcast_addrs.h"
#include "config/config.h"
#include "server/send/send_socket_set.h"

/* The changes that one worker gets after a change of the host's interfaces: the broadcast addresses
 * of the host's networks, and new sockets for listeners whose interface or address has come back.
 */
struct socket_renewal {
    struct broadcast_addrs broadcast_addrs;
    struct renewed_listener {
        int socket; /* receives or accepts; -1: this listener keeps its sockets */
        struct send_socket_set senders;
    } listeners[CONFIG_LISTEN_MAX];
    int multicast; /* sends to broadcast.multicast; -1: the worker keeps its socket */
    struct addr multicast_from;
    struct addr *multicast_own; /* set to multicast_from in the worker's thread */
};

/* Initialises a renewal without sockets. */
void socket_renewal_init(struct socket_renewal *renewal);

/* Adds the sockets of a listener, and takes them over; closes those that were added before and are
 * not yet taken by the worker. senders may be NULL. */
void socket_renewal_add(struct socket_renewal *renewal, size_t listener, int socket,
                        const struct send_socket_set *senders);

/* Closes the sockets that were not taken. */
void socket_renewal_close(struct socket_renewal *renewal);

#endif
