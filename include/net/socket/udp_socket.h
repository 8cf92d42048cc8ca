#ifndef NET_SOCKET_UDP_SOCKET_H
#define NET_SOCKET_UDP_SOCKET_H

#include "address/addr.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

/* UDP sockets, and addresses as the kernel wants them. */

/* An address as the kernel wants it, of either family. A sockaddr_storage has room for any family
 * that there is: 128 bytes, of which we would need 28. */
union socket_name {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

/* Converts between the two. The length of the name is returned, or 0 for a family that we don't
 * speak (then *addr is of family ADDR_NONE, and the name of family AF_UNSPEC). */
socklen_t sockaddr_from_addr(union socket_name *out, const struct addr *addr);
static inline socklen_t addr_from_sockaddr(struct addr *addr, const union socket_name *in)
{
    *addr = (struct addr){.family = ADDR_NONE};
    if (in->any.sa_family == AF_INET) {
        addr->family = ADDR_IPV4;
        addr->port = ntohs(in->ipv4.sin_port);
        memcpy(addr->ip, &in->ipv4.sin_addr, sizeof in->ipv4.sin_addr);
        return sizeof in->ipv4;
    }
    if (in->any.sa_family == AF_INET6) {
        addr->family = ADDR_IPV6;
        addr->port = ntohs(in->ipv6.sin6_port);
        addr->scope = in->ipv6.sin6_scope_id;
        memcpy(addr->ip, &in->ipv6.sin6_addr, sizeof in->ipv6.sin6_addr);
        return sizeof in->ipv6;
    }
    return 0;
}

/* The index of the interface of that name, 0 if there is none. */
uint32_t socket_zone_index(const char *zone);

struct socket_options {
    uint32_t receive_buffer_bytes; /* asked for; 0: the kernel's default */
    uint32_t send_buffer_bytes;
    bool may_be_missing; /* bind even if no interface has the address as yet, or for good */
    /* Filled in by socket_open: what the kernel gave (half of what it reports, socket(7)). */
    uint32_t receive_buffer_got_bytes;
    uint32_t send_buffer_got_bytes;
    bool is_missing; /* no interface had it */
};

/* Opens a non-blocking UDP socket bound to addr (port 0: the kernel picks one), without sharing of
 * any kind, deaf to multicast groups that others joined, and with the destination and the interface
 * of each datagram reported where socket_tells_interface. IPv6 sockets take IPv6 alone. *bound is
 * the address really bound. Returns the descriptor or -errno (-EADDRNOTAVAIL: no address of this
 * host, or one for broadcasts, from which nothing could be answered). */
int socket_open(const struct addr *addr, struct socket_options *options, struct addr *bound);

/* Whether a socket bound to that address reports where each datagram was sent to, and by which
 * interface it came. Not so on loopback and link-local addresses, which have one interface each. */
bool socket_tells_interface(const struct addr *addr);

/* Opens count such sockets (at least 1) that share one address; among them the kernel divides the
 * sources, by a keyed hash of both ends' addresses and ports. Who else has the port is found out as
 * by socket_open: -EADDRINUSE, even if he shares it; and nobody but processes of the same effective
 * user can share it with us (socket(7), SO_REUSEPORT). A source whose socket was chosen while some
 * were missing would have to move to another one later, so each drops whatever comes until
 * socket_receive_all; a single one needs no such care and hears at once. On an error none is left
 * open. 0 or -errno. */
int socket_open_group(const struct addr *addr, struct socket_options *options, struct addr *bound,
                      int *sockets, size_t count);

/* Has a socket of a group receive from now on: call it when all groups are complete. 0 or -errno.
 */
int socket_receive_all(int socket);

/* Has an IPv6 socket cut what is longer than the link's MTU into fragments of 1,280 bytes, which
 * every path takes. Those of socket_open do so. */
void socket_fit_any_path(int socket);

/* Lets sockets that ask for it be bound to the port beside this one, or no longer. */
void socket_share(int socket, bool may);

/* Opens a UDP socket that only sends, from the address and port of a socket of ours, with a send
 * buffer of its own: the kernel charges a datagram to its socket for as long as a neighbour does
 * not answer ARP or ND, or an interface is slow, and that must not hold up what others send or
 * receive. All sockets of ours on that port let others in meanwhile (socket_share), this one too
 * from now on. It is connected to a loopback address, or to its own, at port 9 (discard), unless no
 * interface has its address as yet: so it receives nothing that a client sends, takes no part in a
 * group, and sends to anyone. Bound to a wildcard, it can send only datagrams that say which local
 * address they leave from (batch_answer, batch_address). Returns the descriptor or -errno
 * (-ENETUNREACH: bound to a wildcard, and the loopback interface is down; -EADDRNOTAVAIL: likewise,
 * and IPv6 is disabled there). */
int socket_open_sender(const struct addr *bound, uint32_t send_buffer_bytes,
                       uint32_t *send_buffer_got_bytes);

/* Connects one that was opened while no interface had its address, now that one has. 0 or -errno.
 */
int socket_connect_sender(int socket, const struct addr *bound);

/* A socket that neither receives nor sends, in the place of one that can't be opened yet, and the
 * exchange: old refers to what new did, which is closed. 0, or a descriptor, or -errno. */
int socket_reserve(void);
int socket_replace(int old, int new);

/* Asks for a larger send buffer; what is larger stays. Returns the bytes that it has. */
uint32_t socket_widen(int socket, uint32_t send_buffer_bytes);

/* A second descriptor of the same socket, which an event loop can watch apart from the first.
 * -errno when there are too many. */
int socket_duplicate(int socket);

/* The bytes that may be charged to a socket's send buffer, twice what was asked for (socket(7)). */
uint32_t socket_send_room(int socket);

/* What is charged to the socket's send buffer now, in bytes of kernel memory: of datagrams that
 * wait for a neighbour or for an interface. */
uint32_t socket_queued_bytes(int socket);

/* Datagrams that the kernel dropped at this socket since it was opened, as a counter of 32 bits
 * that wraps (SK_MEMINFO_DROPS of SO_MEMINFO). What a group dropped before socket_receive_all is
 * among them. */
uint32_t socket_drops(int socket);

/* A plain client's socket, non-blocking, connected to addr, so that only its datagrams come in and
 * its ICMP errors are told. Returns the descriptor or -errno. */
int socket_connect(const struct addr *addr);

/* The same from an address of ours (port 0: the kernel picks one); with family ADDR_NONE, from the
 * one that the route suggests. *bound is the address that it really has. */
int socket_connect_from(const struct addr *from, const struct addr *to, struct addr *bound);

/* Looks a host name or an address ("fe80::1%eth0" too, without brackets) up. Fills at most max
 * addresses, in the order to try, each once, and returns their number, or a negative number for
 * socket_resolve_error. Blocks as long as the system's resolver does. */
int socket_resolve(const char *host, uint16_t port, struct addr *addrs, int max);
const char *socket_resolve_error(int error);

void socket_close(int socket);

#endif
