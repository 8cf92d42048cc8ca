#ifndef REGISTRY_LOCAL_ADDRESSES_H
#define REGISTRY_LOCAL_ADDRESSES_H

#include "address/addr.h"
#include "base/siphash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The table of local addresses, to which clients sent their datagrams: each address is stored once
 * and has a number. A host has few addresses and millions of clients. The number takes 2 bytes of
 * a client's entry, where an IPv6 address would take 16 and its scope 4. */
struct local_addresses {
    struct siphash_key key;
    uint16_t *cells; /* hash table of numbers; 0: empty */
    struct addr *addrs;
    uint32_t count;
};

enum {
    LOCAL_ADDRESSES_MAX = UINT16_MAX, /* addresses; any further address has the number 0 */
};

/* The size of the memory for the table. The caller provides it, filled with zero bytes and aligned
 * to 8, and frees it after the last use. Only the parts that addresses fill are written. */
size_t local_addresses_bytes(void);
void local_addresses_init(struct local_addresses *locals, void *memory,
                          const struct siphash_key *key);

/* Returns the number of an address (its IP and scope; the port is ignored), and adds the address if
 * it is new. A number is never reused. Returns 0 for family ADDR_NONE, and for a new address when
 * the table is full: replies then leave from the address that the kernel chooses. */
uint16_t local_addresses_add(struct local_addresses *locals, const struct addr *addr);

/* Whether the address has that number. */
static inline bool local_addresses_matches(const struct local_addresses *locals, uint16_t number,
                                           const struct addr *addr)
{
    const struct addr *known = &locals->addrs[number];
    return memcmp(known->ip, addr->ip, sizeof addr->ip) == 0 && known->scope == addr->scope &&
           known->family == addr->family;
}

/* The address with a number that local_addresses_add returned; family ADDR_NONE for 0. */
struct addr local_addresses_get(const struct local_addresses *locals, uint16_t number);

#endif
