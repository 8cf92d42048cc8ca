#ifndef NET_INTERFACE_INTERFACE_H
#define NET_INTERFACE_INTERFACE_H

#include "address/cidr.h"
#include "admission/broadcast_addrs.h"
#include "net/interface/interface.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The network interfaces of this host: names, addresses, networks, broadcast addresses, routes. */

/* Lists the networks that are reached without a gateway, by an interface that uses ARP or neighbour
 * discovery: the prefixes of the addresses of such interfaces, the routes there that name no
 * gateway (for example a prefix that a router announced, if this host's address is a /128), and
 * fe80::/10. Loopback and point-to-point interfaces are not among them, and neither are routes with
 * several next hops. A network may be listed several times. The time grows with the number of
 * routes of the host. Returns 0 or -errno; on success *networks has *count elements, and the caller
 * frees it. */
int interface_networks(struct cidr **networks, size_t *count);

/* Fills in the name of the interface of that index. Returns false, with an empty name, if it does
 * not exist. */
bool interface_name(uint32_t index, char name[ADDR_ZONE_BYTES]);

/* Returns the index of the interface of that name, 0 if there is none. */
uint32_t interface_index(const char *name);

/* Whether the interface of that name has a driver of that name (ethtool -i). */
bool interface_has_driver(const char *name, const char *driver);

/* *drops: how many packets and frames the interface of that name was given and could not send since
 * it was made, modulo 2^32: those that its driver counts (tx_dropped, ip-link(8)). 0 if there is no
 * such interface. The time grows with the number of addresses of the host. Returns 0 or a negative
 * errno; *drops is then 0. */
int interface_send_drops(const char *name, uint32_t *drops);

/* Returns the index of the interface that the routes select for a destination; 0 if there is no
 * route. Without netlink it is known only for an IPv6 group whose interface has an IPv6 address. */
uint32_t interface_route_lookup(const struct addr *to);

enum interface_address {
    INTERFACE_ADDRESS_ABSENT,
    INTERFACE_ADDRESS_TENTATIVE, /* duplicate address detection is not finished (RFC 4862) */
    INTERFACE_ADDRESS_DUPLICATE, /* another host has the address */
    INTERFACE_ADDRESS_PRESENT,
};

/* Whether an address of this host, with its scope if it has one, can be used. The port is ignored.
 */
enum interface_address interface_address(const struct addr *addr);

/* Reads the broadcast addresses of the interfaces that are up: the one of each network, and those
 * that were configured (`ip address add … broadcast …`). Needs no netlink. The set is empty if the
 * kernel does not report them. */
void interface_broadcast_addrs(struct broadcast_addrs *set);

#endif
