#ifndef SERVER_DATAGRAM_OWN_ADDRESSES_H
#define SERVER_DATAGRAM_OWN_ADDRESSES_H

#include "config/config.h"
#include "net/message/datagram_batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The ports and addresses of this server. A datagram that comes from one of them is dropped: its
 * source is this server, or another one on the same port, and two servers that answer each other
 * never stop. */

/* The ports that the server listens on, with their addresses. */
struct own_ports {
    uint64_t bits[65536 / 64]; /* a bit for each port; that of port 0 is always set once one is */
    struct addr addrs[CONFIG_LISTEN_MAX];
    uint32_t count; /* of addrs */
};

/* Adds the address that a socket is bound to, with its actual port; at most CONFIG_LISTEN_MAX of
 * them. */
void own_ports_add(struct own_ports *ports, const struct addr *addr);

/* Returns whether the server listens on the port, or whether it is 0. */
static inline bool own_ports_has(const struct own_ports *ports, uint16_t port)
{
    return ports->bits[port / 64] >> port % 64 & 1;
}

/* Returns whether the source of a datagram is an address that the server listens on. For a wildcard
 * listener those are all loopback addresses, and the address that the datagram was sent to. */
bool own_ports_has_source(const struct own_ports *ports, const struct datagram *datagram);

/* The addresses that the server sends from, as far as they are known. */
struct own_addrs {
    struct addr list[2 * CONFIG_LISTEN_MAX + 1]; /* listeners, groups' reply sockets, multicast */
    size_t count;
};

/* Adds an address. Returns a pointer to it in the list, so that it can be changed later. */
struct addr *own_addrs_add(struct own_addrs *addrs, const struct addr *addr);
bool own_addrs_has(const struct own_addrs *addrs, const struct addr *addr);

#endif
