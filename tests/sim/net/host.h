#ifndef SIM_NET_HOST_H
#define SIM_NET_HOST_H

#include "address/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The interfaces of the simulated host, their addresses and its routes, which may change at any
 * time. The clients are on the links of eth0 and eth1, and behind the router that the default route
 * leads to; in some runs also in a VLAN on the link of eth0, whose tag its driver removes. */

enum host_interface { HOST_LO, HOST_ETH0, HOST_ETH1, HOST_INTERFACES };

/* All exists, with the first indexes. */
void host_begin(void);
/* From now on eth0 has a VLAN, eth0.100, which is deleted and made again with it. */
void host_add_vlan(void);
/* From now on the kernel drops what comes by another interface than the route to its source, as
 * with rp_filter = 1. */
void host_filter_sources(void);

/* ---- what there is now ---- */

/* The index of an interface; 0: it does not exist. */
uint32_t host_index(enum host_interface interface);
uint32_t host_index_of_name(const char *name);
const char *host_name(uint32_t index); /* NULL: there is none */
uint32_t host_vlan_index(void);        /* 0: there is none */
/* The index of the interface by which the frames of an interface come: eth0 for its VLAN, for all
 * others itself. */
uint32_t host_link(uint32_t index);
/* Whether it exists and has a carrier: without one, all packets are lost. */
bool host_is_up(uint32_t index);
/* The most bytes of an IP packet by an interface that exists, and its Ethernet address. */
uint32_t host_mtu(uint32_t index);
void host_ethernet(uint32_t index, uint8_t ethernet[6]);
/* The number of the interface that has this index now, of all that ever existed; 0: there is none.
 */
uint32_t host_birth(uint32_t index);

/* Whether an interface has the address and it can be used; the port is ignored. */
bool host_has(const struct addr *addr);
bool host_is_tentative(const struct addr *addr);
/* The next address of a family that an interface has; false: none at or after *i. */
bool host_address(size_t *i, uint32_t index, struct addr *addr);

/* The index of the interface that the routes select; 0: there is no route. */
uint32_t host_route(const struct addr *to);
/* Whether the kernel accepts a packet from that source by that interface. */
bool host_accepts(const struct addr *from, uint32_t index);

/* ---- since when ---- */

/* Since when the host has had the address, or has had no such address; 0: for the whole run. */
uint64_t host_since_ms(const struct addr *addr);
/* Since when the interface has existed, and the default route has been as it is. */
uint64_t host_interface_since_ms(enum host_interface interface);
uint64_t host_default_route_since_ms(void);
/* When an interface was last removed; 0: never. */
uint64_t host_last_removal_ms(void);

/* ---- changes ---- */

/* Removes an interface with its addresses, or an address. Numbers of addresses are below
 * host_address_count. */
void host_remove_interface(enum host_interface interface);
void host_remove_address(size_t number);
size_t host_address_count(void);
bool host_address_exists(size_t number, struct addr *addr);

/* Makes an interface again: with another index, or with the one that it had. Its addresses return
 * later. */
void host_make_interface(enum host_interface interface, bool same_index);
/* Adds an address again, unless its interface does not exist; an IPv6 one is tentative for that
 * time. */
void host_add_address(size_t number, uint64_t tentative_ms);

/* The interface has no carrier from now on, or has one. */
void host_set_carrier(enum host_interface interface, bool has_carrier);
/* Sets the MTU of eth0 and its VLAN, which is 1500 at first. */
void host_set_mtu(uint32_t bytes);

/* HOST_LO: there is no default route. */
void host_set_default_route(enum host_interface interface);

/* All exists again. Interfaces that were missing have other indexes. */
void host_restore(void);

#endif
