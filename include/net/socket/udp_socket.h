#ifndef NET_SOCKET_UDP_SOCKET_H
#define NET_SOCKET_UDP_SOCKET_H

#include "address/addr.h"

#include <stdbool.h>
#include <stdint.h>

/* UDP sockets: opening a server's receiving socket, and a client's connected socket. All are
 * non-blocking. */

struct udp_socket_options {
    uint32_t receive_buffer_bytes; /* requested; 0: the kernel's default */
    uint32_t send_buffer_bytes;
    bool may_be_missing; /* bind even if no interface has the address, now or later */
    /* Filled in by udp_socket_open: what the kernel gave (half of what it reports, socket(7)). */
    uint32_t receive_buffer_actual_bytes;
    uint32_t send_buffer_actual_bytes;
    bool is_missing; /* no interface had the address */
};

/* Opens a UDP socket bound to addr (port 0: the kernel picks one). It does not share its port, does
 * not receive multicast groups that other sockets of this host joined, and reports the destination
 * and the interface of each datagram where udp_socket_reports_destination. An IPv6 socket receives
 * IPv6 only. *bound is the address and port that it is bound to. Returns the descriptor or -errno
 * (-EADDRNOTAVAIL: the address is not of this host, or is a broadcast address, from which no reply
 * could be sent). */
int udp_socket_open(const struct addr *addr, struct udp_socket_options *options,
                    struct addr *bound);

/* Prepares a UDP socket that another process has opened and bound to addr, and that this one got
 * from it: sets the options that udp_socket_open sets, as far as they can be set after the bind,
 * and makes its buffers as large as requested, unless they are larger; options that report more of
 * a datagram than its destination, or errors, are reset. What waits in its receive buffer stays
 * there; in IPv4 the destination of that is not known unless the other process has set IP_PKTINFO.
 * Whether an IPv6 wildcard receives IPv4, too, can't be changed any more
 * (net/socket/passed_socket). Returns 0 or -errno; the socket stays open. */
int udp_socket_adopt(int socket, const struct addr *addr, struct udp_socket_options *options);

/* Whether a socket bound to that address reports the address that each datagram was sent to, and
 * the interface that received it. All do except those bound to loopback and link-local addresses,
 * which have one interface each. */
bool udp_socket_reports_destination(const struct addr *addr);

/* The two steps of udp_socket_open, for sockets that need options in between
 * (net/socket/reuseport_group, net/socket/send_only_socket). The first one returns the descriptor
 * or -errno, the second one 0 or -errno. */
int udp_socket_open_unbound(const struct addr *addr, struct udp_socket_options *options);
int udp_socket_bind(int socket, const struct addr *addr, struct udp_socket_options *options,
                    struct addr *bound);

/* Binds a socket even if no interface has the address (IP_FREEBIND); *is_missing is whether no
 * interface has it. Returns 0 or -errno. */
int udp_socket_bind_freebind(int socket, const struct addr *addr, bool *is_missing);

/* Makes an IPv6 socket split datagrams that are longer than the MTU of the link into fragments of
 * 1,280 bytes, which every path forwards. udp_socket_open does so, too. */
void udp_socket_set_min_mtu(int socket);

/* Allows other sockets that request it to bind to the same port (SO_REUSEADDR), or no longer allows
 * it. */
void udp_socket_allow_sharing(int socket, bool allowed);

/* Opens a client's socket, connected to addr: it receives only datagrams from there, and reports
 * ICMP errors as errors of send and receive. Returns the descriptor or -errno. */
int udp_socket_connect(const struct addr *addr);

/* The same from a local address (port 0: the kernel picks one); if its family is ADDR_NONE, from
 * the one that the route selects. *bound is the local address and port of the socket. */
int udp_socket_connect_from(const struct addr *from, const struct addr *to, struct addr *bound);

#endif
