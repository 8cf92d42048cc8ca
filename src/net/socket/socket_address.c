#include "net/socket/socket_address.h"

#include <errno.h>

socklen_t sockaddr_from_addr(union socket_address *out, const struct addr *addr)
{
    memset(out, 0, sizeof *out);
    if (addr->family == ADDR_IPV4) {
        out->ipv4.sin_family = AF_INET;
        out->ipv4.sin_port = htons(addr->port);
        memcpy(&out->ipv4.sin_addr, addr->ip, sizeof out->ipv4.sin_addr);
        return sizeof out->ipv4;
    }
    if (addr->family == ADDR_IPV6) {
        out->ipv6.sin6_family = AF_INET6;
        out->ipv6.sin6_port = htons(addr->port);
        out->ipv6.sin6_scope_id = addr->scope;
        memcpy(&out->ipv6.sin6_addr, addr->ip, sizeof out->ipv6.sin6_addr);
        return sizeof out->ipv6;
    }
    return 0;
}

int socket_get_local_addr(int socket, struct addr *addr)
{
    union socket_address name;
    socklen_t size = sizeof name;

    if (getsockname(socket, &name.any, &size) != 0)
        return -errno;
    addr_from_sockaddr(addr, &name);
    return 0;
}
