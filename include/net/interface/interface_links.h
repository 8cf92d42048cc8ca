#ifndef NET_INTERFACE_INTERFACE_LINKS_H
#define NET_INTERFACE_INTERFACE_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The network interfaces of this host, and which of them are ports of others. */
struct interface_link {
    uint32_t index;
    uint32_t upper; /* of the bond or bridge that it is a port of, by which the network stack then
                       receives its packets; 0: it is a port of nothing, or of a VRF, which receives
                       nothing itself */
    uint32_t mtu;   /* bytes of an IP packet */
    bool filters_vlans; /* it is a bridge with vlan_filtering, which may remove the tag of what it
                           receives by a port */
};

/* Lists all interfaces, by netlink (rtnetlink(7), RTM_GETLINK), which needs no privileges; the time
 * grows with their number. Returns 0 or -errno; on success *links has *count elements, and the
 * caller frees it. */
int interface_links_read(struct interface_link **links, size_t *count);

/* Returns the link of that index, NULL if there is none. */
const struct interface_link *interface_links_find(const struct interface_link *links, size_t count,
                                                  uint32_t index);

#endif
