#include "registry/registry_restore.h"

#include "registry/registry.h"
#include "registry/registry_state.h"

#include <errno.h>
#include <string.h>

enum { RESTORED_TTLS_MAX = 32 }; /* that are added to the table of ttls */

/* Returns the index of a ttl in the registry's table, and adds it if it is not there. The ttl in
 * use stays. The clients of a server have few ttls, since only a reload changes them; beyond the
 * limit the one in use stands for others, and the idle times of their clients are wrong. */
static uint8_t ttl_index(struct registry *registry, uint32_t ttl_ms)
{
    uint32_t in_use_ms = registry->ttl_ms;
    for (int i = registry->ttl; i >= 0; i--)
        if (registry->ttls[i] == ttl_ms)
            return (uint8_t)i;
    if (registry->ttl >= 2 * RESTORED_TTLS_MAX)
        return registry->ttl;
    registry_set_ttl(registry, ttl_ms);
    uint8_t index = registry->ttl;
    registry_set_ttl(registry, in_use_ms);
    return index;
}

/* Returns the slot for a client that is not registered, or UINT32_MAX. */
static uint32_t allocate(struct registry *registry, const struct registry_restored *client,
                         const struct client_key *key)
{
    if (registry->count == registry->capacity ||
        (registry->share != NULL && !capacity_share_acquire(registry->share)))
        return UINT32_MAX;
    if (registry->prefixes != NULL)
        prefix_counts_add(registry->prefixes, client->source, 0);
    uint32_t slot = client_slab_allocate(&registry->slab, client_key_is_ipv4(key));
    memcpy(&registry_entry(registry, slot)->key, key, client_key_bytes(key));
    return slot;
}

static void fill(struct registry *registry, uint32_t slot, const struct registry_restored *client,
                 uint64_t now_ms)
{
    struct client_entry *entry = registry_entry(registry, slot);
    uint64_t ttl_ms = client->left_ms + client->idle_ms;
    entry->local = local_addresses_add(&registry->locals, client->local);
    entry->ttl =
        ttl_index(registry, ttl_ms < REGISTRY_TTL_MAX_MS ? (uint32_t)ttl_ms : REGISTRY_TTL_MAX_MS);
    entry->deadline_ms = (now_ms + client->left_ms) & CLIENT_DEADLINE_MASK;
    entry->join_number = client->join_number;
    if (registry->joined <= client->join_number)
        registry->joined = client->join_number + 1;
    entry->joined_s = (uint32_t)(now_ms / 1000) - client->age_s;
    entry->received = client->received;
    slot_flags_set(&registry->named, slot, false);
    slot_flags_set(&registry->frames, slot, client->frames);
}

uint32_t registry_restore(struct registry *registry, const struct registry_restored *client,
                          uint64_t now_ms, bool *is_new)
{
    struct client_key key = client_key_of(client->listener, client->source);
    uint64_t hash = client_key_hash(registry->hash_begin, &key);
    uint32_t cell =
        registry_find_cell(registry, hash_index_start(&registry->index, hash), hash, &key);
    *is_new = registry->index.cells[cell] == 0;
    now_ms = registry_advance(registry, now_ms);
    uint32_t slot =
        *is_new ? allocate(registry, client, &key) : hash_index_slot(&registry->index, cell);
    if (slot == UINT32_MAX)
        return UINT32_MAX;
    if (!*is_new)
        registry_end_offload(registry, slot);
    fill(registry, slot, client, now_ms);
    if (*is_new)
        registry_add_entry(registry, cell, hash, slot);
    else
        timer_wheel_move_earlier(&registry->wheel, slot / REGISTRY_CLUSTER_SLOTS,
                                 registry_entry(registry, slot)->deadline_ms);
    return slot;
}

uint64_t registry_left_ms(const struct registry *registry, uint32_t slot, uint64_t now_ms)
{
    registry_refresh(registry, slot);
    uint64_t deadline_ms = registry_entry(registry, slot)->deadline_ms;
    return deadline_ms > now_ms ? deadline_ms - now_ms : 0;
}

/* ---- an upgrade ---- */

static void put_usage(struct handover_writer *writer, const struct client_slab_usage *usage)
{
    handover_put32(writer, usage->used);
    handover_put32(writer, usage->free);
}

void registry_hand_over(const struct registry *registry, struct handover_writer *writer)
{
    if (registry->offload != NULL)
        offloaded_clients_refresh_all(registry->offload);
    handover_put64(writer, registry_layout(registry->capacity));
    handover_put32(writer, registry->capacity);
    handover_put64(writer, registry->locals.key.k0);
    handover_put64(writer, registry->locals.key.k1);
    handover_put32(writer, registry->locals.count);
    handover_put32(writer, registry->count);
    handover_put64(writer, registry->now_ms);
    handover_put64(writer, registry->joined);
    put_usage(writer, &registry->slab.usage4);
    put_usage(writer, &registry->slab.usage6);
    timer_wheel_hand_over(&registry->wheel, writer);
    handover_put64(writer, registry->prefixes != NULL ? registry->counted_from : UINT64_MAX);
    handover_put8(writer, registry->frames.is_used);
    handover_put8(writer, registry->named.is_used);
    handover_put32(writer, registry->ttl_ms);
    handover_put8(writer, registry->ttl);
    for (size_t i = 0; i < REGISTRY_TTLS; i++)
        handover_put32(writer, registry->ttls[i]);
}

/* Returns whether the numbers are those of a registry of that capacity. */
static bool get_usage(struct handover_reader *reader, struct client_slab_usage *usage,
                      uint32_t capacity)
{
    usage->used = handover_get32(reader);
    usage->free = handover_get32(reader);
    return usage->used <= capacity && usage->free <= registry_slots(capacity);
}

static bool get_flag(struct handover_reader *reader, bool *flag)
{
    uint8_t value = handover_get8(reader);
    *flag = value == 1;
    return value <= 1;
}

/* Reads the numbers into a copy of the registry. Returns whether they fit. */
static bool get_numbers(struct registry *registry, struct handover_reader *reader)
{
    uint32_t capacity = registry->capacity;
    bool fits = handover_get64(reader) == registry_layout(capacity);
    fits &= handover_get32(reader) == capacity;
    registry->locals.key.k0 = handover_get64(reader);
    registry->locals.key.k1 = handover_get64(reader);
    registry->hash_begin = siphash_begin(&registry->locals.key);
    registry->locals.count = handover_get32(reader);
    registry->count = handover_get32(reader);
    registry->now_ms = handover_get64(reader);
    registry->joined = handover_get64(reader);
    fits &= registry->locals.count <= LOCAL_ADDRESSES_MAX && registry->count <= capacity;
    fits &= get_usage(reader, &registry->slab.usage4, capacity);
    fits &= get_usage(reader, &registry->slab.usage6, capacity);
    fits &= timer_wheel_take_over(&registry->wheel, reader) == 0;
    registry->counted_from = handover_get64(reader);
    fits &= get_flag(reader, &registry->frames.is_used);
    fits &= get_flag(reader, &registry->named.is_used);
    registry->ttl_ms = handover_get32(reader);
    registry->ttl = handover_get8(reader);
    for (size_t i = 0; i < REGISTRY_TTLS; i++)
        registry->ttls[i] = handover_get32(reader);
    return fits && registry->ttl_ms != 0 && registry->ttls[registry->ttl] == registry->ttl_ms &&
           !reader->failed;
}

int registry_take_over(struct registry *registry, struct handover_reader *reader)
{
    struct registry taken = *registry;
    if (!get_numbers(&taken, reader))
        return -EPROTO;
    /* Clients that were not counted are not subtracted either. */
    if (taken.counted_from == UINT64_MAX)
        taken.counted_from = taken.joined;
    registry_set_ttl(&taken, registry->ttl_ms);
    *registry = taken;
    return 0;
}

void registry_recount_prefixes(struct registry *registry)
{
    uint32_t slot = slot_bitmap_next(&registry->live, 0);
    for (; slot != SLOT_BITMAP_END; slot = slot_bitmap_next(&registry->live, slot + 1)) {
        struct addr source = client_key_source(&registry_entry(registry, slot)->key);
        prefix_counts_add(registry->prefixes, &source, 0);
    }
    registry->counted_from = 0;
}
