#ifndef NET_INTERFACE_INTERFACE_H
#define NET_INTERFACE_INTERFACE_H

#include "address/cidr.h"
#include "admission/broadcast_addrs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The network interfaces of this host. */

/* Lists the networks that are reached without a gateway, by an interface that looks a neighbour's
 * address up (ARP, or neighbour discovery): all prefixes of addresses that such interfaces have,
 * those of routes there that name no gateway (a prefix that a router announced, say, where our own
 * address is one of a /128), and fe80::/10. Loopback and point-to-point interfaces have no
 * neighbours to look up. Not among them: routes with several next hops. A network is listed as
 * often as it is found. Takes about 1 us a route of the host. 0 or -errno; on success *networks has
 * *count elements and is the caller's to free. */
int interface_networks(struct cidr **networks, size_t *count);

/* The name of an interface: false, and "", if there is none of that index. */
bool interface_name(uint32_t index, char name[ADDR_ZONE_BYTES]);

/* The interface that the routes choose for a destination; 0 where there is no route, or where
 * netlink isn't permitted. */
uint32_t interface_of_route(const struct addr *to);

enum interface_address {
    INTERFACE_ADDRESS_ABSENT,
    INTERFACE_ADDRESS_TENTATIVE, /* the kernel is looking for a duplicate */
    INTERFACE_ADDRESS_DUPLICATE, /* and has found one */
    INTERFACE_ADDRESS_PRESENT,
};

/* Whether a local address, of its scope where it has one, may be used. The port is left out. */
enum interface_address interface_address(const struct addr *addr);

/* The broadcast addresses of the interfaces that are up: that of each network, and those that were
 * set otherwise (`ip address add … broadcast …`). Needs no netlink. Empty where the kernel doesn't
 * say. */
void interface_broadcast_addrs(struct broadcast_addrs *set);

#endif
