#include "registry/registry_expiry.h"
#include "registry/registry_state.h"

static uint64_t hash_at(const void *state, uint32_t slot)
{
    const struct registry *registry = state;
    return client_key_hash(registry->hash_begin, &registry_entry(registry, slot)->key);
}

/* Removes the client that a cell of the index refers to. The timer wheel keeps its cluster. */
static void evict(struct registry *registry, uint32_t cell)
{
    uint32_t slot = hash_index_slot(&registry->index, cell);
    const struct client_entry *entry = registry_entry(registry, slot);
    registry_end_offload(registry, slot);
    if (registry_is_counted(registry, entry)) {
        struct addr source = client_key_source(&entry->key);
        prefix_counts_remove(registry->prefixes, &source);
    }
    hash_index_remove(&registry->index, cell, hash_at, registry);
    slot_bitmap_remove(&registry->live, slot);
    client_slab_release(&registry->slab, slot);
    registry->count--;
    if (registry->share != NULL)
        capacity_share_release(registry->share);
}

void registry_set_expiry_callback(struct registry *registry, const struct client_callback *callback)
{
    registry->on_expired = *callback;
}

bool registry_remove(struct registry *registry, uint8_t listener, const struct addr *source)
{
    uint32_t cell;
    if (!registry_look_up(registry, listener, source, &cell))
        return false;
    uint32_t cluster = hash_index_slot(&registry->index, cell) / REGISTRY_CLUSTER_SLOTS;
    evict(registry, cell);
    if (slot_bitmap_byte(&registry->live, cluster) == 0)
        timer_wheel_remove(&registry->wheel, cluster);
    return true;
}

void registry_expire_all(struct registry *registry, uint64_t now_ms)
{
    now_ms = registry_advance(registry, now_ms);
    if (registry->offload != NULL)
        offloaded_clients_stop_all(registry->offload);
    uint32_t slot = slot_bitmap_next(&registry->live, 0);
    for (; slot != SLOT_BITMAP_END; slot = slot_bitmap_next(&registry->live, slot + 1)) {
        struct client_entry *entry = registry_entry(registry, slot);
        if (entry->deadline_ms > now_ms) {
            entry->deadline_ms = now_ms & CLIENT_DEADLINE_MASK;
            timer_wheel_move_earlier(&registry->wheel, slot / REGISTRY_CLUSTER_SLOTS, now_ms);
        }
    }
}

/* Prefetches the entries of the cluster that the wheel will return next. */
static void prefetch_cluster(const struct registry *registry)
{
    uint32_t cluster = timer_wheel_peek(&registry->wheel);
    for (uint32_t i = 0; cluster != TIMER_WHEEL_NONE && i < REGISTRY_CLUSTER_SLOTS; i++)
        __builtin_prefetch(registry_entry(registry, cluster * REGISTRY_CLUSTER_SLOTS + i));
}

/* Makes the entries of a cluster show which of its clients have expired, and ends the records of
 * those: what the program in the kernel does from then on is too late for them. */
static void settle_offloaded(struct registry *registry, uint32_t cluster, uint64_t now_ms)
{
    for (uint32_t live = slot_bitmap_byte(&registry->live, cluster); live != 0; live &= live - 1)
        offloaded_clients_is_live(registry->offload,
                                  cluster * REGISTRY_CLUSTER_SLOTS + (uint32_t)__builtin_ctz(live),
                                  now_ms);
}

/* The expired clients of a cluster. */
struct due {
    uint32_t count;
    uint32_t slots[REGISTRY_CLUSTER_SLOTS];
    uint64_t hashes[REGISTRY_CLUSTER_SLOTS];
};

/* Finds the expired clients of a cluster, and prefetches the cells where the search for each
 * starts. Returns the earliest deadline of the others, or UINT64_MAX if there are none. */
static uint64_t find_due(const struct registry *registry, uint32_t cluster, uint64_t now_ms,
                         struct due *due)
{
    uint64_t earliest_ms = UINT64_MAX;
    due->count = 0;
    for (uint32_t live = slot_bitmap_byte(&registry->live, cluster); live != 0; live &= live - 1) {
        uint32_t slot = cluster * REGISTRY_CLUSTER_SLOTS + (uint32_t)__builtin_ctz(live);
        const struct client_entry *entry = registry_entry(registry, slot);
        if (entry->deadline_ms > now_ms) {
            if (entry->deadline_ms < earliest_ms)
                earliest_ms = entry->deadline_ms;
            continue;
        }
        uint64_t hash = client_key_hash(registry->hash_begin, &entry->key);
        __builtin_prefetch(&registry->index.cells[hash_index_start(&registry->index, hash)], 1);
        due->slots[due->count] = slot;
        due->hashes[due->count++] = hash;
    }
    return earliest_ms;
}

/* Prefetches the entries that an eviction reads: those in the cells from the start of the search up
 * to an empty one. */
static void prefetch_run(const struct registry *registry, uint64_t hash)
{
    const struct hash_index *index = &registry->index;
    for (uint32_t cell = hash_index_start(index, hash); index->cells[cell] != 0;
         cell = hash_index_next(index, cell))
        __builtin_prefetch(registry_entry(registry, hash_index_slot(index, cell)));
}

/* Removes at most budget expired clients of a cluster that was taken out of the wheel. Returns
 * their number, and adds the cluster to the wheel again for its other clients. */
static uint32_t sweep_cluster(struct registry *registry, uint32_t cluster, uint64_t now_ms,
                              uint32_t budget)
{
    struct due due;
    if (registry->offload != NULL)
        settle_offloaded(registry, cluster, now_ms);
    uint64_t earliest_ms = find_due(registry, cluster, now_ms, &due);
    uint32_t evicted = due.count < budget ? due.count : budget;
    for (uint32_t i = 0; i < evicted; i++)
        prefetch_run(registry, due.hashes[i]);
    for (uint32_t i = 0; i < evicted; i++) {
        const struct client_key *key = &registry_entry(registry, due.slots[i])->key;
        uint64_t hash = due.hashes[i];
        uint32_t start = hash_index_start(&registry->index, hash);
        if (registry->on_expired.call != NULL) {
            struct client client = registry_client(registry, due.slots[i], now_ms);
            registry->on_expired.call(registry->on_expired.state, &client);
        }
        evict(registry, registry_find_cell(registry, start, hash, key));
    }
    if (evicted < due.count)
        timer_wheel_put_back(&registry->wheel, cluster);
    else if (earliest_ms != UINT64_MAX)
        timer_wheel_add(&registry->wheel, cluster, earliest_ms);
    return evicted;
}

bool registry_sweep(struct registry *registry, uint64_t now_ms, uint32_t budget, uint64_t *expired)
{
    now_ms = registry_advance(registry, now_ms);
    while (budget > 0) {
        uint32_t cluster = timer_wheel_take(&registry->wheel, now_ms);
        if (cluster == TIMER_WHEEL_NONE)
            return false;
        prefetch_cluster(registry);
        uint32_t evicted = sweep_cluster(registry, cluster, now_ms, budget);
        *expired += evicted;
        budget -= evicted > 0 ? evicted : 1;
    }
    return true;
}
