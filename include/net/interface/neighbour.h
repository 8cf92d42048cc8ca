#ifndef NET_INTERFACE_NEIGHBOUR_H
#define NET_INTERFACE_NEIGHBOUR_H

#include "address/cidr.h"

#include <stddef.h>

/* The neighbour table of the kernel: the addresses on the links of this host, and whether they
 * reply to ARP or neighbour discovery. */

/* Lists at most max neighbours to which a datagram can be sent at once, since the kernel knows
 * their link-layer address; each is a block of one address. A host that has asked for an address of
 * this host is among them, an address that no host has is not. Uses netlink (rtnetlink(7),
 * RTM_GETNEIGH), which needs no privileges; the time grows with the number of neighbours. Returns 0
 * or -errno; on success *neighbours has *count elements, and the caller frees it. */
int neighbour_list(struct cidr **neighbours, size_t *count, size_t max);

#endif
