#ifndef NET_INTERFACE_NEIGHBOUR_H
#define NET_INTERFACE_NEIGHBOUR_H

#include "address/cidr.h"

#include <stddef.h>

/* The kernel's table of neighbours: the addresses on our links, and whether they answer (ARP,
 * neighbour discovery). */

/* Lists the neighbours to which a datagram can leave at once, since the kernel knows their
 * link-layer address: an address that asked for ours is among them, one that nobody has is not. At
 * most max, each a block of one. Asked for by netlink (rtnetlink(7), RTM_GETNEIGH), which anyone
 * may; blocks for as long as the kernel takes, about 1 us a neighbour. 0 or -errno; on success
 * *neighbours has *count elements and is the caller's to free. */
int neighbour_list(struct cidr **neighbours, size_t *count, size_t max);

#endif
