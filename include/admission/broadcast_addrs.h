#ifndef ADMISSION_BROADCAST_ADDRS_H
#define ADMISSION_BROADCAST_ADDRS_H

#include "address/addr.h"

#include <stdbool.h>
#include <stdint.h>

/* The IPv4 broadcast addresses of our own networks, a plain value. A datagram that claims to come
 * from one of them comes from no host, and nothing can be sent there. */

enum {
    BROADCAST_ADDRS_MAX = 1024, /* more are left out: a host has as many as it has networks */
};

struct broadcast_addrs {
    uint8_t last_bytes[256]; /* whether an address ends in this byte: nearly all sources differ */
    uint32_t count;
    uint8_t ips[BROADCAST_ADDRS_MAX][4];
};

/* Adds one, unless it is there; an empty set is all zero bytes. */
void broadcast_addrs_add(struct broadcast_addrs *set, const uint8_t ip[4]);

bool broadcast_addrs_equal(const struct broadcast_addrs *a, const struct broadcast_addrs *b);

/* Whether it may be one of them: false is certain, at the price of one byte looked up. */
static inline bool broadcast_addrs_may_have(const struct broadcast_addrs *set,
                                            const struct addr *addr)
{
    return set->last_bytes[addr->ip[3]] != 0;
}

bool broadcast_addrs_has(const struct broadcast_addrs *set, const struct addr *addr);

#endif
