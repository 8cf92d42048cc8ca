#ifndef REGISTRY_REGISTRY_MEMORY_H
#define REGISTRY_REGISTRY_MEMORY_H

#include "base/siphash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The memory of a registry: its size, its layout and its initialization. All clients of a registry
 * are in one block of memory, which the caller provides and which has no pointers, so that two
 * processes can map it (registry/registry_restore). The pointers into it, and all single numbers,
 * are in memory of the process. Nothing is allocated later. */
struct registry;

enum {
    /* The largest capacity: its two ranges of 2^27 slots leave three bits for the tag in the 32
     * bits of an index cell. */
    REGISTRY_CAPACITY_MAX = 1 << 27,
};

/* The size of the block for capacity clients (1 to REGISTRY_CAPACITY_MAX), and how many bytes of
 * it, from the first on, are the index. Clients are soon spread over all of those bytes, so it is
 * best to commit them at the start. The rest is read and written only as far as clients fill it. */
size_t registry_bytes(uint32_t capacity);
size_t registry_index_bytes(uint32_t capacity);

/* The most bytes that are written when capacity clients are registered: the entries of one address
 * family only, the smaller ones if there is no IPv6, and the bits of clients that want frames. */
size_t registry_full_bytes(uint32_t capacity, bool ipv6);

/* How many further bytes are written where clients have names. */
size_t registry_named_bytes(uint32_t capacity);

/* The number of slots, from 0 on. Each address family has a range for all clients. */
static inline uint32_t registry_slots(uint32_t capacity)
{
    return 2 * capacity;
}

/* Returns the number of the block's layout. A process of another number must not use the block. */
uint64_t registry_layout(uint32_t capacity);

/* Makes a registry for at most capacity clients, without reading or writing its block. block has
 * registry_bytes(capacity) bytes and is aligned to 64; it is all zero, or that of a registry that
 * is taken over before anything else is done. The caller frees it after registry_free. key is the
 * secret of the hash; ttl_ms is 1 to REGISTRY_TTL_MAX_MS. Returns NULL if memory is short. */
struct registry *registry_new(void *block, uint32_t capacity, const struct siphash_key *key,
                              uint32_t ttl_ms, uint64_t now_ms);
void registry_free(struct registry *registry);

#endif
