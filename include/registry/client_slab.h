#ifndef REGISTRY_CLIENT_SLAB_H
#define REGISTRY_CLIENT_SLAB_H

#include "registry/client_key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The slab of client entries: fixed-size records in two arrays, one for each address family.
 *
 * An IPv4 client needs 32 bytes and an IPv6 client 48. One array with entries of 48 bytes was
 * measured and rejected: a client over IPv4 then takes 55.8 bytes of memory in all instead of 39.9,
 * and the next datagram of a known client takes 124 ns instead of 67 (a million clients), or 189 ns
 * instead of 140 (ten million) (docs/performance.md, "Layouts of the registry").
 *
 * Each array has room for all clients, since the shares of the families are not known in advance.
 * That costs address space, but no memory: pages that no entry has reached are never written. */

/* A client's record. Its fields are as narrow as their ranges permit. */
struct client_entry {
    uint64_t deadline_ms : 40; /* wraps after 34 years */
    uint64_t ttl : 8;          /* index of the ttl that set the deadline, in the registry's table */
    uint64_t local : 16;       /* the local address, as its number in registry/local_addresses */
    uint64_t join_number;      /* how many clients had joined the registry before it */
    uint32_t joined_s;         /* when it joined */
    uint32_t received;         /* datagrams */
    struct client_key key;     /* only its first CLIENT_KEY4_BYTES exist for IPv4 */
};

#define CLIENT_DEADLINE_MASK ((UINT64_C(1) << 40) - 1) /* the width of deadline_ms */

enum {
    CLIENT_ENTRY4_BYTES = offsetof(struct client_entry, key) + CLIENT_KEY4_BYTES,
    CLIENT_ENTRY6_BYTES = offsetof(struct client_entry, key) + CLIENT_KEY6_BYTES,
};
_Static_assert(CLIENT_ENTRY4_BYTES == 32 && CLIENT_ENTRY6_BYTES == 48,
               "entries have no padding: two of IPv4 fill a cache line of 64 bytes");

/* An entry is addressed by its slot number and never moves. */
struct client_slab {
    uint8_t *entries4, *entries6;
    uint32_t capacity; /* slots of IPv4: 0 to capacity - 1; of IPv6: capacity to 2 * capacity - 1 */
    struct client_slab_usage {
        uint32_t used; /* how many entries were ever used, which are the first ones */
        uint32_t free; /* head of the list of freed entries, as slot + 1; 0: the list is empty. The
                          key's head of a freed entry is the link to the next. */
    } usage4, usage6;
};

/* The size of the memory for capacity entries of each family. The caller provides the memory,
 * aligned to 64 and filled with zero bytes, and frees it after the last use of the slab. */
size_t client_slab_bytes(uint32_t capacity);
void client_slab_init(struct client_slab *slab, void *memory, uint32_t capacity);

static inline struct client_entry *client_slab_entry(const struct client_slab *slab, uint32_t slot)
{
    uint8_t *entry = slot < slab->capacity
                         ? slab->entries4 + (size_t)slot * CLIENT_ENTRY4_BYTES
                         : slab->entries6 + (size_t)(slot - slab->capacity) * CLIENT_ENTRY6_BYTES;
    return (struct client_entry *)(void *)entry;
}

/* Returns a free slot of the family: the one freed last, or else one that was never used. At most
 * capacity slots of a family may be in use. The entry's contents are undefined. */
uint32_t client_slab_allocate(struct client_slab *slab, bool ipv4);

/* Frees a slot and overwrites a part of its entry. */
void client_slab_release(struct client_slab *slab, uint32_t slot);

#endif
