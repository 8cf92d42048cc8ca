#ifndef NET_SOCKET_MULTICAST_SOCKET_H
#define NET_SOCKET_MULTICAST_SOCKET_H

#include "address/addr.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Multicast: group membership, receiving from a group and sending to it, over IPv4 and IPv6. */

/* Opens a non-blocking UDP socket bound to a group and its port, and joins the group on the
 * interface of that index (0: the one that the routes select). The socket receives nothing else.
 * Other programs of this host that set SO_REUSEADDR, too, can receive from the group at the same
 * time. receive_buffer_bytes 0: the kernel's default. Returns the descriptor or -errno (-ENODEV: no
 * such interface, or no route that selects one). */
int multicast_join(const struct addr *group, uint32_t interface, uint32_t receive_buffer_bytes);

/* The two steps of multicast_join, for an interface that may appear later: binding to the group,
 * and joining it on an interface (0: as the routes select). After multicast_drop_membership, the
 * socket may join on another interface. A group of link scope (addr_is_link_scoped_group) is bound
 * with its interface, and needs another socket for another interface. multicast_bind returns the
 * descriptor or -errno, multicast_add_membership 0 or -errno. */
int multicast_bind(const struct addr *group, uint32_t interface, uint32_t receive_buffer_bytes);
int multicast_add_membership(int socket, const struct addr *group, uint32_t interface);
void multicast_drop_membership(int socket, const struct addr *group, uint32_t interface);

/* How datagrams to a group are sent. */
struct multicast_path {
    uint32_t interface; /* index, 0: as the routes select */
    uint8_t ttl;        /* 0: this host only, 1: the link only */
};

/* Opens a non-blocking UDP socket connected to a group, for sending only; programs of this host
 * that joined the group receive the datagrams, too. *from is the local address and port of the
 * socket; datagrams that are sent there are dropped. Returns the descriptor or -errno. */
int multicast_connect(const struct addr *group, const struct multicast_path *path,
                      struct addr *from);

/* Sends one datagram to a group by a socket of either kind. Returns 0 or -errno. */
int multicast_send(int socket, const struct addr *group, const void *bytes, size_t size);

/* Receives one datagram from a socket of multicast_join, and its source address. The rest is as in
 * datagram_receive. */
ssize_t multicast_receive(int socket, void *bytes, size_t capacity, struct addr *from,
                          uint64_t *time_ms);

/* Sets the path of the datagrams that a socket of multicast_join sends. Returns 0 or -errno. */
int multicast_set_path(int socket, const struct addr *group, const struct multicast_path *path);

#endif
