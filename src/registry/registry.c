#include "registry/registry.h"

#include "registry/registry_state.h"

#include <string.h>

void registry_set_capacity_share(struct registry *registry, struct capacity_share *share)
{
    registry->share = share;
}

void registry_set_prefix_cap(struct registry *registry, struct prefix_counts *prefixes,
                             uint32_t cap)
{
    if (registry->prefixes == NULL)
        registry->counted_from = registry->joined;
    registry->prefixes = prefixes;
    registry->prefix_cap = cap;
}

void registry_set_ttl(struct registry *registry, uint32_t ttl_ms)
{
    if (ttl_ms == registry->ttl_ms)
        return;
    registry->ttl_ms = ttl_ms;
    registry->ttls[++registry->ttl] = ttl_ms;
}

uint32_t registry_ttl(const struct registry *registry)
{
    return registry->ttl_ms;
}

uint32_t registry_count(const struct registry *registry)
{
    return registry->count;
}

static uint64_t set_deadline(struct registry *registry, struct client_entry *entry, uint64_t now_ms)
{
    entry->ttl = registry->ttl;
    return entry->deadline_ms = (now_ms + registry->ttl_ms) & CLIENT_DEADLINE_MASK;
}

void registry_set_frames(struct registry *registry, uint32_t slot, bool frames)
{
    slot_flags_set(&registry->frames, slot, frames);
}

void registry_set_named(struct registry *registry, uint32_t slot)
{
    slot_flags_set(&registry->named, slot, true);
}

/* Begins the life of a client in a slot, whose entry has its key and local address. */
static void init_entry(struct registry *registry, uint32_t slot, struct client_entry *entry,
                       uint64_t now_ms)
{
    entry->join_number = registry->joined++;
    entry->joined_s = (uint32_t)(now_ms / 1000);
    entry->received = 1;
    set_deadline(registry, entry, now_ms);
    slot_flags_set(&registry->named, slot, false);
    registry_set_frames(registry, slot, false);
}

/* Counts a client by its prefix, if the registry does that; false if the prefix is full. */
static bool count_prefix(struct registry *registry, const struct addr *source)
{
    return registry->prefixes == NULL ||
           prefix_counts_add(registry->prefixes, source, registry->prefix_cap);
}

/* Registers an unknown client in an empty cell of the index. It is not inlined, and rejoin is not,
 * so that the loop over clients that are known keeps its values in registers. */
__attribute__((noinline)) static enum registry_outcome join(
    struct registry *registry, const struct registry_datagram *datagram, uint32_t cell,
    uint64_t now_ms)
{
    if (datagram->action != REGISTRY_JOIN)
        return REGISTRY_UNKNOWN;
    if (registry->count == registry->capacity ||
        (registry->share != NULL && !capacity_share_acquire(registry->share)))
        return REGISTRY_REFUSED;
    if (!count_prefix(registry, datagram->source)) {
        if (registry->share != NULL)
            capacity_share_release(registry->share);
        return REGISTRY_PREFIX_FULL;
    }
    uint32_t slot = client_slab_allocate(&registry->slab, client_key_is_ipv4(&datagram->key));
    struct client_entry *entry = registry_entry(registry, slot);
    memcpy(&entry->key, &datagram->key, client_key_bytes(&datagram->key));
    entry->local = local_addresses_add(&registry->locals, datagram->local);
    init_entry(registry, slot, entry, now_ms);
    registry_add_entry(registry, cell, datagram->hash, slot);
    return REGISTRY_JOINED;
}

/* Registers a client anew that has expired and was not yet swept. If it is refused, the sweep
 * removes it later. */
__attribute__((noinline)) static enum registry_outcome rejoin(
    struct registry *registry, const struct registry_datagram *datagram, uint32_t slot,
    uint64_t now_ms)
{
    struct client_entry *entry = registry_entry(registry, slot);
    if (datagram->action != REGISTRY_JOIN)
        return REGISTRY_UNKNOWN;
    if (!registry_is_counted(registry, entry) && !count_prefix(registry, datagram->source))
        return REGISTRY_PREFIX_FULL;
    entry->local = local_addresses_add(&registry->locals, datagram->local);
    init_entry(registry, slot, entry, now_ms);
    return REGISTRY_REJOINED;
}

/* Sets the local address of a client that has sent to another one before. The program in the kernel
 * answers from the former one, so it is not to answer for the client any more. */
__attribute__((noinline)) static void change_local(struct registry *registry, uint32_t slot,
                                                   const struct addr *local)
{
    registry_end_offload(registry, slot);
    registry_entry(registry, slot)->local = local_addresses_add(&registry->locals, local);
}

/* Whether a client whose entry's deadline has passed is live by what the program has recorded. */
__attribute__((noinline)) static bool is_live_by_offload(struct registry *registry, uint32_t slot,
                                                         uint64_t now_ms)
{
    return registry->offload != NULL && offloaded_clients_is_live(registry->offload, slot, now_ms);
}

/* The deadline that follows now is before the one that the entry had: by a shorter ttl; or the
 * program in the kernel has renewed the client after now was read, and then the later one stays.
 * The wheel allows for deadlines that have moved to a later time, but not for an earlier one. */
__attribute__((noinline)) static void move_deadline_earlier(struct registry *registry,
                                                            uint32_t slot, uint8_t ttl,
                                                            uint64_t deadline_ms)
{
    struct client_entry *entry = registry_entry(registry, slot);
    if (registry->offload != NULL && entry->ttl == ttl)
        entry->deadline_ms = deadline_ms & CLIENT_DEADLINE_MASK;
    else
        timer_wheel_move_earlier(&registry->wheel, slot / REGISTRY_CLUSTER_SLOTS,
                                 entry->deadline_ms);
}

/* Records another datagram of a client that has an entry. What the program in the kernel has
 * recorded is looked up only if the client seems to have expired: it is taken over later. */
static inline enum registry_outcome renew(struct registry *registry,
                                          const struct registry_datagram *datagram, uint32_t slot,
                                          uint64_t now_ms)
{
    struct client_entry *entry = registry_entry(registry, slot);
    const struct addr *local = datagram->local;
    uint64_t deadline_ms = entry->deadline_ms;
    if (deadline_ms <= now_ms) {
        if (!is_live_by_offload(registry, slot, now_ms))
            return rejoin(registry, datagram, slot, now_ms);
        deadline_ms = entry->deadline_ms;
    }
    bool unnamed = entry->local == 0 && local->family == ADDR_NONE; /* always, on a bound socket */
    if (!unnamed && !local_addresses_matches(&registry->locals, (uint16_t)entry->local, local))
        change_local(registry, slot, local);
    entry->received += entry->received != UINT32_MAX;
    uint8_t ttl = (uint8_t)entry->ttl;
    if (set_deadline(registry, entry, now_ms) < deadline_ms)
        move_deadline_earlier(registry, slot, ttl, deadline_ms);
    return REGISTRY_RENEWED;
}

/* Removes the client of a datagram. That may move cells of the index before the ones at which the
 * search for the later datagrams would continue, so their searches start again. */
static enum registry_outcome leave(struct registry *registry, uint8_t listener,
                                   struct registry_datagram *datagram,
                                   const struct registry_datagram *end)
{
    uint32_t cell;
    datagram->was_named = registry->named.is_used &&
                          registry_look_up(registry, listener, datagram->source, &cell) &&
                          slot_flags_get(&registry->named, hash_index_slot(&registry->index, cell));
    if (!registry_remove(registry, listener, datagram->source))
        return REGISTRY_UNKNOWN;
    for (struct registry_datagram *later = datagram + 1; later < end; later++)
        later->cell = hash_index_start(&registry->index, later->hash);
    return REGISTRY_LEFT;
}

static inline enum registry_outcome join_or_renew(struct registry *registry,
                                                  struct registry_datagram *datagram,
                                                  uint64_t now_ms)
{
    uint32_t cell = registry_find_cell(registry, datagram->cell, datagram->hash, &datagram->key);
    return registry->index.cells[cell] == 0
               ? join(registry, datagram, cell, now_ms)
               : renew(registry, datagram, hash_index_slot(&registry->index, cell), now_ms);
}

/* Step 1 of an update: computes the hashes, and prefetches the cells where the searches start. */
static void hash_datagrams(const struct registry *registry, uint8_t listener,
                           struct registry_datagram *datagrams, size_t count)
{
    for (struct registry_datagram *datagram = datagrams; datagram < datagrams + count; datagram++) {
        datagram->key = client_key_of(listener, datagram->source);
        datagram->hash = client_key_hash(registry->hash_begin, &datagram->key);
        __builtin_prefetch(
            &registry->index.cells[hash_index_start(&registry->index, datagram->hash)]);
    }
}

/* Step 2: searches the index by tag only, which seldom stops at a wrong client, and prefetches the
 * entries. */
static void find_tags(const struct registry *registry, struct registry_datagram *datagrams,
                      size_t count)
{
    const struct hash_index *index = &registry->index;
    for (struct registry_datagram *datagram = datagrams; datagram < datagrams + count; datagram++) {
        datagram->cell =
            hash_index_find_tag(index, hash_index_start(index, datagram->hash), datagram->hash);
        if (index->cells[datagram->cell] != 0)
            __builtin_prefetch(registry_entry(registry, hash_index_slot(index, datagram->cell)), 1);
    }
}

size_t registry_update(struct registry *registry, uint8_t listener,
                       struct registry_datagram *datagrams, size_t count, uint64_t now_ms)
{
    size_t renewed = 0;
    now_ms = registry_advance(registry, now_ms);
    hash_datagrams(registry, listener, datagrams, count);
    find_tags(registry, datagrams, count);
    for (struct registry_datagram *datagram = datagrams; datagram < datagrams + count; datagram++) {
        datagram->outcome = datagram->action == REGISTRY_LEAVE
                                ? leave(registry, listener, datagram, datagrams + count)
                                : join_or_renew(registry, datagram, now_ms);
        renewed += datagram->outcome == REGISTRY_RENEWED;
    }
    return renewed;
}

bool registry_find(struct registry *registry, uint8_t listener, const struct addr *source,
                   uint64_t now_ms, struct client *client)
{
    uint32_t cell;
    now_ms = registry_advance(registry, now_ms);
    if (!registry_look_up(registry, listener, source, &cell))
        return false;
    uint32_t slot = hash_index_slot(&registry->index, cell);
    registry_refresh(registry, slot);
    if (registry_entry(registry, slot)->deadline_ms <= now_ms)
        return false;
    if (client != NULL)
        *client = registry_client(registry, slot, now_ms);
    return true;
}

void registry_set_offload(struct registry *registry, struct offloaded_clients *offload)
{
    registry->offload = offload;
    if (offload != NULL)
        offloaded_clients_set_registry(offload, &registry->slab, &registry->locals, registry->ttls);
}

bool registry_offload(struct registry *registry, const struct registry_datagram *datagram,
                      const struct addr *local, uint64_t now_ms)
{
    if (registry->offload == NULL)
        return false;
    now_ms = registry_advance(registry, now_ms);
    uint32_t start = hash_index_start(&registry->index, datagram->hash);
    uint32_t cell = registry_find_cell(registry, start, datagram->hash, &datagram->key);
    if (registry->index.cells[cell] == 0)
        return false;
    uint32_t slot = hash_index_slot(&registry->index, cell);
    return registry_entry(registry, slot)->deadline_ms > now_ms &&
           offloaded_clients_admit(registry->offload, slot, local, now_ms);
}
