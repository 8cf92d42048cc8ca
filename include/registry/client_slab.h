#ifndef REGISTRY_CLIENT_SLAB_H
#define REGISTRY_CLIENT_SLAB_H

#include "registry/client_key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A client. The memory that it takes is what a million of them is paid in, so every field is as
 * wide as it must be: 32 bytes for IPv4, 48 for IPv6. */
struct entry {
    uint64_t deadline_ms : 40; /* 34 years of uptime */
    uint64_t ttl : 8;          /* which of the registry's ttls its deadline was set by */
    uint64_t local : 16;       /* a number of registry/local_addresses */
    uint64_t joined;           /* the how-manieth ever to join */
    uint32_t joined_s;
    uint32_t received;
    struct client_key key; /* cut behind CLIENT_KEY4_BYTES for IPv4 */
};

#define DEADLINE_MASK ((UINT64_C(1) << 40) - 1) /* as wide as the field */

enum {
    ENTRY4_BYTES = offsetof(struct entry, key) + CLIENT_KEY4_BYTES,
    ENTRY6_BYTES = offsetof(struct entry, key) + CLIENT_KEY6_BYTES,
};
_Static_assert(ENTRY4_BYTES == 32 && ENTRY6_BYTES == 48,
               "no padding: entries are paid in cache lines");

/* Entries that never move, by slot. Each family has rows of its own, since an IPv4 client needs two
 * thirds of what an IPv6 client does, and each could hold all clients: only the memory that entries
 * have reached is ever touched. */
struct client_slab {
    uint8_t *entries4, *entries6;
    uint32_t capacity; /* slots of IPv4 lie below it, those of IPv6 from it on, up to twice it */
    struct client_slab_rows {
        uint32_t used; /* entries that were ever used */
        uint32_t free; /* the last one freed, as slot + 1, and through its key's head the one
                          before; 0 for none */
    } rows4, rows6;
};

/* The memory for capacity entries of each family: zero bytes, aligned to 64, the caller's. */
size_t client_slab_bytes(uint32_t capacity);
void client_slab_init(struct client_slab *slab, void *memory, uint32_t capacity);

static inline struct entry *client_slab_entry(const struct client_slab *slab, uint32_t slot)
{
    uint8_t *entry = slot < slab->capacity
                         ? slab->entries4 + (size_t)slot * ENTRY4_BYTES
                         : slab->entries6 + (size_t)(slot - slab->capacity) * ENTRY6_BYTES;
    return (struct entry *)(void *)entry;
}

/* A slot of the family's, the one freed last if there is one; as long as capacity entries or fewer
 * are taken, there is one. The entry is what the last one left there. */
uint32_t client_slab_take(struct client_slab *slab, bool ipv4);

/* Gives a slot back; its entry is overwritten. */
void client_slab_give(struct client_slab *slab, uint32_t slot);

#endif
