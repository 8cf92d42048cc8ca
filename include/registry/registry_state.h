#ifndef REGISTRY_REGISTRY_STATE_H
#define REGISTRY_REGISTRY_STATE_H

#include "admission/prefix_counts.h"
#include "admission/shared_capacity.h"
#include "registry/client_info.h"
#include "registry/client_key.h"
#include "registry/client_slab.h"
#include "registry/hash_index.h"
#include "registry/local_addresses.h"
#include "registry/offload/offloaded_clients.h"
#include "registry/slot_bitmap.h"
#include "registry/timer_wheel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The data structures of a registry, for the modules registry/registry_* only: a hash index of
 * slots, a slab with the entry of each slot, a bitmap of the slots in use, and a timer wheel that
 * determines when to check them. docs/performance.md ("Layouts of the registry") compares this with
 * other layouts. */

enum {
    /* A cluster is eight neighbouring slots. Their entries are adjacent in memory, and they share
     * one slot of the timer wheel, so that they are checked together. */
    REGISTRY_CLUSTER_SLOTS = 8,
    REGISTRY_TTLS = 256, /* the range of client_entry.ttl */
};

/* A flag of each client: a bit for each slot, the lowest slot in the lowest bit. Undefined for a
 * slot that is not in use. */
struct slot_flags {
    uint8_t *bits;
    bool is_used; /* one was ever set: without it the bits are 0 and were not touched */
};

struct registry {
    struct siphash_state hash_begin; /* the hash's initial state, from the secret key */
    struct hash_index index;         /* of slots, by the clients' keys */
    uint32_t capacity;
    uint32_t count;
    uint32_t ttl_ms;
    uint8_t ttl;     /* the index of ttl_ms in ttls */
    uint64_t now_ms; /* the latest time that was passed in */
    uint64_t joined; /* how many clients have ever joined */
    struct client_slab slab;
    struct slot_bitmap live;  /* slots in use */
    struct timer_wheel wheel; /* of clusters */
    struct local_addresses locals;
    uint32_t ttls[REGISTRY_TTLS];   /* the last 256 ttls in ms: entries refer to them by index */
    struct capacity_share *share;   /* NULL: only the capacity limits the clients */
    struct prefix_counts *prefixes; /* NULL: clients are not counted by prefix */
    uint32_t prefix_cap;
    uint64_t counted_from; /* clients with this join_number or a later one are counted by prefix */
    struct client_callback on_expired;
    struct slot_flags frames;          /* the client asked for messages as frames */
    struct slot_flags named;           /* it may have a name */
    struct offloaded_clients *offload; /* NULL: none is */
};

static inline bool slot_flags_get(const struct slot_flags *flags, uint32_t slot)
{
    return flags->is_used && (flags->bits[slot / 8] >> slot % 8 & 1);
}

static inline void slot_flags_set(struct slot_flags *flags, uint32_t slot, bool is_set)
{
    if (is_set == slot_flags_get(flags, slot))
        return;
    flags->bits[slot / 8] ^= (uint8_t)(1u << slot % 8);
    flags->is_used = true;
}

static inline struct client_entry *registry_entry(const struct registry *registry, uint32_t slot)
{
    return client_slab_entry(&registry->slab, slot);
}

static inline bool registry_is_counted(const struct registry *registry,
                                       const struct client_entry *entry)
{
    return registry->prefixes != NULL && entry->join_number >= registry->counted_from;
}

/* Returns now_ms, or the latest time if that is greater: time never decreases here, even if the
 * caller's clock does. */
static inline uint64_t registry_advance(struct registry *registry, uint64_t now_ms)
{
    if (now_ms > registry->now_ms)
        registry->now_ms = now_ms;
    return registry->now_ms;
}

/* Takes what the program in the kernel has recorded of a client over into its entry, before its
 * deadline or its count of datagrams is read. That changes the entry, but not the registry. */
static inline void registry_refresh(const struct registry *registry, uint32_t slot)
{
    if (registry->offload != NULL)
        offloaded_clients_refresh(registry->offload, slot);
}

/* Makes the program stop to answer for a client, and takes over what it has recorded. */
static inline void registry_end_offload(struct registry *registry, uint32_t slot)
{
    if (registry->offload != NULL)
        offloaded_clients_end(registry->offload, slot);
}

/* Searches the index from the given cell on, which must not be after the client's. Returns the cell
 * of the client, or the empty cell in which it would be added. */
static inline uint32_t registry_find_cell(const struct registry *registry, uint32_t cell,
                                          uint64_t hash, const struct client_key *key)
{
    const struct hash_index *index = &registry->index;
    uint32_t tag = hash_index_tag(index, hash);
    for (;; cell = hash_index_next(index, cell)) {
        uint32_t value = index->cells[cell];
        if (value == 0 ||
            (hash_index_has_tag(index, value, tag) &&
             client_key_equal(&registry_entry(registry, hash_index_slot(index, cell))->key, key)))
            return cell;
    }
}

/* Finds the cell of a client, expired or not; false if it has no entry. */
static inline bool registry_look_up(const struct registry *registry, uint8_t listener,
                                    const struct addr *source, uint32_t *cell)
{
    struct client_key key = client_key_of(listener, source);
    uint64_t hash = client_key_hash(registry->hash_begin, &key);
    *cell = registry_find_cell(registry, hash_index_start(&registry->index, hash), hash, &key);
    return registry->index.cells[*cell] != 0;
}

/* Makes an entry that is complete one of a client: by the index, where cell is the empty cell for
 * its key, by the bitmap and by the timer wheel. */
static inline void registry_add_entry(struct registry *registry, uint32_t cell, uint64_t hash,
                                      uint32_t slot)
{
    uint64_t deadline_ms = registry_entry(registry, slot)->deadline_ms;
    uint32_t cluster = slot / REGISTRY_CLUSTER_SLOTS;
    hash_index_add(&registry->index, cell, hash, slot);
    if (slot_bitmap_byte(&registry->live, cluster) == 0)
        timer_wheel_add(&registry->wheel, cluster, deadline_ms);
    else
        timer_wheel_move_earlier(&registry->wheel, cluster, deadline_ms);
    slot_bitmap_add(&registry->live, slot);
    registry->count++;
}

/* The copy of an entry that callers receive. A client that was restored may have joined, and sent
 * its last datagram, before the clock began: so the seconds wrap, and no time before now is
 * computed. */
static inline struct client registry_client(const struct registry *registry, uint32_t slot,
                                            uint64_t now_ms)
{
    const struct client_entry *entry = registry_entry(registry, slot);
    int64_t idle_ms = (int64_t)(now_ms + registry->ttls[entry->ttl] - entry->deadline_ms);
    return (struct client){
        .source = client_key_source(&entry->key),
        .local = local_addresses_get(&registry->locals, (uint16_t)entry->local),
        .idle_ms = idle_ms > 0 ? (uint64_t)idle_ms : 0,
        .age_s = (uint32_t)(now_ms / 1000) - entry->joined_s,
        .received = entry->received,
        .slot = slot,
        .listener = client_key_listener(&entry->key),
        .frames = slot_flags_get(&registry->frames, slot),
        .named = slot_flags_get(&registry->named, slot),
        .join_number = entry->join_number,
    };
}

#endif
