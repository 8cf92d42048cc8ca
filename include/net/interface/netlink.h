#ifndef NET_INTERFACE_NETLINK_H
#define NET_INTERFACE_NETLINK_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

/* Reads tables of the kernel's networking by netlink (rtnetlink(7)), which needs no privileges. */

/* Called for each entry of a table, a message that has at least the fixed part of the request.
 * Returns 0, or -errno, which ends the reading. */
typedef int netlink_entry_callback(void *state, const struct nlmsghdr *message);

/* Reads a whole table by a request of that type (RTM_GETNEIGH and others) with that fixed part.
 * Blocks until the table is read; the time grows with the number of entries. Returns 0, -errno, or
 * the error of the callback. */
int netlink_dump(uint16_t type, const void *fixed, size_t fixed_bytes,
                 netlink_entry_callback *callback, void *state);

/* Returns the payload of the attribute of that type, after a fixed part of that size, with at least
 * least_bytes of payload; NULL if there is none. */
const void *netlink_attribute(const struct nlmsghdr *message, size_t fixed_bytes, uint16_t type,
                              size_t least_bytes);

/* Likewise of an attribute within others: path has the type of the outermost one first, and that
 * many types. */
const void *netlink_nested_attribute(const struct nlmsghdr *message, size_t fixed_bytes,
                                     const uint16_t *path, size_t depth, size_t least_bytes);

#endif
