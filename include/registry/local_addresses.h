#ifndef REGISTRY_LOCAL_ADDRESSES_H
#define REGISTRY_LOCAL_ADDRESSES_H

#include "address/addr.h"
#include "base/siphash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The addresses of ours that clients spoke to, each kept once and known by a number: a host has few
 * of them and clients in millions, and 2 bytes a client are a quarter of what IPv6 would take. */
struct local_addresses {
    struct siphash_key key;
    uint16_t *places; /* hash table of numbers, 0 for an empty place */
    struct addr *addrs;
    uint32_t count;
};

enum {
    LOCAL_ADDRESSES_MAX = UINT16_MAX, /* addresses; those beyond are not told apart */
};

/* The memory for it: zero bytes, aligned to 8, the caller's, touched as far as addresses come. */
size_t local_addresses_bytes(void);
void local_addresses_init(struct local_addresses *locals, void *memory,
                          const struct siphash_key *key);

/* The number of an address (its IP and scope; the port is left out), which it has for good. 0 for
 * family ADDR_NONE, and for a new one when there is no room: then the kernel is left to choose. */
uint16_t local_addresses_number(struct local_addresses *locals, const struct addr *addr);

/* Whether the address has that number. */
static inline bool local_addresses_is(const struct local_addresses *locals, uint16_t number,
                                      const struct addr *addr)
{
    const struct addr *known = &locals->addrs[number];
    return memcmp(known->ip, addr->ip, sizeof addr->ip) == 0 && known->scope == addr->scope &&
           known->family == addr->family;
}

/* The address of a number that local_addresses_number gave. */
struct addr local_addresses_addr(const struct local_addresses *locals, uint16_t number);

#endif
