#ifndef SERVER_LISTEN_BROADCAST_MULTICAST_SOCKET_H
#define SERVER_LISTEN_BROADCAST_MULTICAST_SOCKET_H

#include "server/listen/listeners.h"

#include <stdbool.h>
#include <stdint.h>

/* The socket by which the first worker sends broadcasts to the group of broadcast.multicast, and
 * the interface that it sends through. */
struct broadcast_multicast_socket {
    int socket;                 /* 0 (the descriptor of standard input): there is no such group */
    char zone[ADDR_ZONE_BYTES]; /* the interface that the configuration names, "" if none */
    uint32_t interface;         /* its index, or that of the route; 0: not known */
    struct addr *own_addr;      /* the address that it sends from, in the list of own addresses */
    bool missing;               /* no route or interface leads to the group at the moment */
    int logged_error;           /* of the last attempt to connect: each error is logged once */
};

/* Opens the socket, if the configuration has such a group. With server.missing-address = wait it
 * may be connected later, once a route exists. Adds its address to own_addrs. Errors are logged.
 * Returns 0 or -errno. */
int broadcast_multicast_socket_open(struct broadcast_multicast_socket *multicast,
                                    struct own_addrs *own_addrs, const struct config *config);
void broadcast_multicast_socket_close(struct broadcast_multicast_socket *multicast);

/* Returns the index that the named interface has now. If none is named, returns the index of the
 * interface in use. Returns 0 if that interface does not exist. */
uint32_t broadcast_multicast_socket_interface(const struct broadcast_multicast_socket *multicast);

/* Connects a new socket to the group, and finds the interface. *from becomes the address that it
 * sends from. Returns the descriptor or -errno. */
int broadcast_multicast_socket_connect(struct broadcast_multicast_socket *multicast,
                                       const struct config *config, struct addr *from);

/* Returns whether an error (-errno) means that no route or interface to the group exists yet. */
bool broadcast_multicast_socket_is_missing(int error);

#endif
