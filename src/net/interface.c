/* The network interfaces of this host. */
#include "net/interface.h"

#include "net/socket.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdlib.h>

/* The number of leading one bits of a netmask. */
static uint8_t mask_bits(const struct addr *mask)
{
    uint8_t bits = 0;
    while (bits < 128 && (mask->ip[bits / 8] << bits % 8 & 0x80) != 0)
        bits++;
    return bits;
}

static bool resolves_neighbours(const struct ifaddrs *at)
{
    return (at->ifa_flags & (IFF_LOOPBACK | IFF_POINTOPOINT | IFF_NOARP)) == 0;
}

/* False for an entry that is no IPv4 or IPv6 address, as those of packet sockets. */
static bool read_network(const struct ifaddrs *at, struct cidr *network)
{
    struct addr addr, mask;
    union socket_name name = {0};

    if (at->ifa_addr == NULL || at->ifa_netmask == NULL || !resolves_neighbours(at))
        return false;
    size_t size = at->ifa_addr->sa_family == AF_INET    ? sizeof name.ipv4
                  : at->ifa_addr->sa_family == AF_INET6 ? sizeof name.ipv6
                                                        : 0;
    if (size == 0)
        return false;
    memcpy(&name, at->ifa_addr, size);
    addr_from_sockaddr(&addr, &name);
    memcpy(&name, at->ifa_netmask, size);
    name.any.sa_family = at->ifa_addr->sa_family; /* some C libraries leave it out of a mask */
    addr_from_sockaddr(&mask, &name);
    *network = addr_is_link_local(&addr) ? cidr_of(&addr, 10) : cidr_of(&addr, mask_bits(&mask));
    return true;
}

int interface_networks(struct cidr **networks, size_t *count)
{
    struct ifaddrs *all;
    size_t room = 0;

    if (getifaddrs(&all) != 0)
        return -errno;
    for (const struct ifaddrs *at = all; at != NULL; at = at->ifa_next)
        room++;
    *count = 0;
    *networks = calloc(room > 0 ? room : 1, sizeof **networks);
    for (const struct ifaddrs *at = all; *networks != NULL && at != NULL; at = at->ifa_next)
        *count += read_network(at, &(*networks)[*count]);
    freeifaddrs(all);
    return *networks == NULL ? -ENOMEM : 0;
}
