#ifndef NET_INTERFACE_NETLINK_H
#define NET_INTERFACE_NETLINK_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

/* Tables of the kernel's networking, asked for by netlink (rtnetlink(7)), which anyone may. */

/* Called for each entry of a table: a message with at least the fixed part that was asked for. 0
 * or -errno, which ends the reading. */
typedef int netlink_visit(void *state, const struct nlmsghdr *message);

/* Asks for all of a table: a message of this type (RTM_GETNEIGH and the like) with this fixed part.
 * Blocks for as long as the kernel takes, about 1 us an entry. 0 or -errno. */
int netlink_dump(uint16_t type, const void *fixed, size_t fixed_bytes, netlink_visit *visit,
                 void *state);

/* The attribute of that type behind a fixed part of that size, with at least so many bytes of
 * payload; NULL if there is none. */
const void *netlink_attribute(const struct nlmsghdr *message, size_t fixed_bytes, uint16_t type,
                              size_t least_bytes);

#endif
