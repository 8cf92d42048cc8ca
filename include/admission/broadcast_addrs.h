#ifndef ADMISSION_BROADCAST_ADDRS_H
#define ADMISSION_BROADCAST_ADDRS_H

#include "address/addr.h"

#include <stdbool.h>
#include <stdint.h>

/* The set of IPv4 broadcast addresses of the host's own networks, a plain value. A datagram with
 * such a source is forged, since no host has the address, and a reply would be a broadcast. */

enum {
    BROADCAST_ADDRS_MAX = 1024, /* further ones are ignored; a host has one for each network */
};

struct broadcast_addrs {
    uint8_t last_bytes[256]; /* 1 if an address of the set ends in this byte */
    uint32_t count;
    uint8_t ips[BROADCAST_ADDRS_MAX][4]; /* network order */
};

/* Adds an address, unless the set contains it. The empty set is all zero bytes. */
void broadcast_addrs_add(struct broadcast_addrs *set, const uint8_t ip[4]);

bool broadcast_addrs_equal(const struct broadcast_addrs *a, const struct broadcast_addrs *b);

/* Whether the set may contain the address; false is certain. Reads only one byte, which decides for
 * nearly all sources. */
static inline bool broadcast_addrs_may_contain(const struct broadcast_addrs *set,
                                               const struct addr *addr)
{
    return set->last_bytes[addr->ip[3]] != 0;
}

/* Whether the set contains the address; its port and scope are ignored. */
bool broadcast_addrs_contains(const struct broadcast_addrs *set, const struct addr *addr);

#endif
