#ifndef NET_SOCKET_MULTICAST_SOCKET_H
#define NET_SOCKET_MULTICAST_SOCKET_H

#include "address/addr.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Multicast groups: sockets that hear one, and sockets that speak to one. */

/* Opens a non-blocking UDP socket bound to a group and its port, and joins the group on the
 * interface of that index (0: the one that the routes choose). Nothing else comes in by it, and
 * other programs of this host that allow the same (SO_REUSEADDR) may hear the group, too. Buffers
 * are the kernel's unless asked for otherwise. Returns the descriptor or -errno (-ENODEV: no such
 * interface, or no route to choose one by). */
int multicast_join(const struct addr *group, uint32_t interface, uint32_t receive_buffer_bytes);

/* The two steps of it, for where the interface may come later: one that is bound to the group only,
 * and joining on an interface (0: as the routes say), which may be done again on another one once
 * the membership there was ended. A group of one link (addr_is_link_scoped_group) is bound with its
 * interface, and needs another socket on another one. The first returns the descriptor; 0 or
 * -errno. */
int multicast_bind(const struct addr *group, uint32_t interface, uint32_t receive_buffer_bytes);
int multicast_add_membership(int socket, const struct addr *group, uint32_t interface);
void multicast_drop_membership(int socket, const struct addr *group, uint32_t interface);

/* How datagrams leave for a group. */
struct multicast_path {
    uint32_t interface; /* index, 0: as the routes say */
    uint8_t ttl;        /* 0 stays on this host, 1 on the link */
};

/* Opens a non-blocking UDP socket connected to a group: what is sent goes there, and is heard on
 * this host, too. *from is the address that it leaves from. Nothing that is sent to that address is
 * kept. Returns the descriptor or -errno. */
int multicast_connect(const struct addr *group, const struct multicast_path *way,
                      struct addr *from);

/* One datagram to a group, by a socket of either kind. 0 or -errno. */
int multicast_send(int socket, const struct addr *group, const void *bytes, size_t size);

/* One datagram from a socket of multicast_join, and who sent it. As datagram_receive. */
ssize_t multicast_receive(int socket, void *bytes, size_t room, struct addr *from,
                          uint64_t *time_ms);

/* Sets how datagrams that a socket of multicast_join sends leave. 0 or -errno. */
int multicast_set_path(int socket, const struct addr *group, const struct multicast_path *way);

#endif
