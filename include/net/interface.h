#ifndef NET_INTERFACE_H
#define NET_INTERFACE_H

#include "core/broadcast_addrs.h"
#include "core/cidr.h"

#include <stddef.h>

/* The network interfaces of this host. */

/* Lists the networks that are reached without a gateway, by an interface that looks a neighbour's
 * address up (ARP, or neighbour discovery): all prefixes of addresses that such interfaces have,
 * and fe80::/10. Loopback and point-to-point interfaces have no neighbours to look up. Networks of
 * routes without an address of ours are not among them. A network that several
 * addresses share is listed once for each. 0 or -errno; on success *networks has *count elements
 * and is the caller's to free. */
int interface_networks(struct cidr **networks, size_t *count);

/* The broadcast addresses of the interfaces that are up: that of each network, and those that were
 * set otherwise (`ip address add … broadcast …`). Needs no netlink. Empty where the kernel doesn't
 * say. */
void interface_broadcast_addrs(struct broadcast_addrs *set);

#endif
