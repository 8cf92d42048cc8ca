#ifndef NET_SOCKET_SOCKET_ADDRESS_H
#define NET_SOCKET_SOCKET_ADDRESS_H

#include "address/addr.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* Conversion between struct addr and struct sockaddr_in or sockaddr_in6. */

/* A socket address of either family, 28 bytes. A sockaddr_storage would take 128, since it has
 * space for any family. */
union socket_address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

/* Both return the length of the socket address, or 0 for any other family; then *addr has the
 * family ADDR_NONE, and *out has AF_UNSPEC. */
socklen_t sockaddr_from_addr(union socket_address *out, const struct addr *addr);
static inline socklen_t addr_from_sockaddr(struct addr *addr, const union socket_address *in)
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

/* Reads the address and port that a socket is bound to. Returns 0 or -errno. */
int socket_get_local_addr(int socket, struct addr *addr);

#endif
