#include "registry/registry_restore.h"

#include "registry/registry.h"
#include "registry/registry_state.h"

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
    uint64_t deadline_ms = registry_entry(registry, slot)->deadline_ms;
    return deadline_ms > now_ms ? deadline_ms - now_ms : 0;
}
