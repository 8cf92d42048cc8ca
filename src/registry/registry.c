/* The clients of one shard. */
#include "registry/registry.h"

#include "registry/client_slab.h"
#include "registry/hash_index.h"
#include "registry/local_addresses.h"
#include "registry/slot_bitmap.h"
#include "registry/timer_wheel.h"

#include <string.h>

/* An index of 32-bit places, open addressing with linear probing, leads to a slab of entries that
 * never move. Beside them, by slot: the set of those that live, and by eight slots, the wheel that
 * says when to look at them. docs/performance.md has what else was measured. */

enum {
    GROUP = 8,  /* slots that are looked at together: their entries lie in a row, and a link is paid
                   for once */
    TTLS = 256, /* by the width of entry.ttl; idle_ms is off for who was silent through 256 changes
                   of ttl */
};

struct registry {
    struct siphash_state hash_begin; /* of the secret key */
    struct hash_index index;         /* of the live clients' slots, by their keys */
    uint32_t capacity;
    uint32_t count;
    uint32_t ttl_ms;
    uint8_t ttl;
    uint64_t now_ms; /* the latest time seen */
    uint64_t joined;
    struct client_slab slab;
    struct slot_bitmap live;
    struct timer_wheel wheel;
    struct local_addresses locals;
    uint32_t ttls[TTLS];
    struct capacity_share *allowance; /* NULL: its places are its own */
    struct prefix_counts *prefixes;   /* NULL: nobody counts them */
    uint32_t prefix_cap;
    uint64_t counted_from; /* of those who joined, by number: the first that is counted there */
};

/* ---- memory ---- */

struct layout {
    size_t index, locals, wheel, live, slab, end; /* offsets */
};

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static uint32_t groups_of(uint32_t capacity)
{
    return (registry_slots(capacity) + GROUP - 1) / GROUP;
}

static struct layout layout_of(uint32_t capacity)
{
    struct layout at;
    at.index = aligned(sizeof(struct registry));
    at.locals = at.index + aligned(hash_index_bytes(capacity));
    at.wheel = at.locals + aligned(local_addresses_bytes());
    at.live = at.wheel + aligned(timer_wheel_bytes(groups_of(capacity)));
    at.slab = at.live + aligned(slot_bitmap_bytes(registry_slots(capacity)));
    at.end = at.slab + client_slab_bytes(capacity);
    return at;
}

size_t registry_bytes(uint32_t capacity)
{
    return layout_of(capacity).end;
}

size_t registry_index_bytes(uint32_t capacity)
{
    return layout_of(capacity).locals;
}

size_t registry_full_bytes(uint32_t capacity, bool ipv6)
{
    return layout_of(capacity).slab + (size_t)capacity * (ipv6 ? ENTRY6_BYTES : ENTRY4_BYTES);
}

struct registry *registry_init(void *memory, uint32_t capacity, const struct siphash_key *key,
                               uint32_t ttl_ms, uint64_t now_ms)
{
    struct layout at = layout_of(capacity);
    uint8_t *base = memory;
    struct registry *registry = memory;

    registry->hash_begin = siphash_begin(key);
    hash_index_init(&registry->index, base + at.index, capacity, registry_slots(capacity));
    registry->capacity = capacity;
    registry->ttl_ms = registry->ttls[0] = ttl_ms;
    registry->now_ms = now_ms;
    client_slab_init(&registry->slab, base + at.slab, capacity);
    slot_bitmap_init(&registry->live, base + at.live, registry_slots(capacity));
    timer_wheel_init(&registry->wheel, base + at.wheel, now_ms);
    local_addresses_init(&registry->locals, base + at.locals, key);
    return registry;
}

void registry_share(struct registry *registry, struct capacity_share *allowance)
{
    registry->allowance = allowance;
}

void registry_cap(struct registry *registry, struct prefix_counts *prefixes, uint32_t cap)
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

uint32_t registry_count(const struct registry *registry)
{
    return registry->count;
}

/* ---- entries ---- */

static inline struct entry *entry_at(const struct registry *registry, uint32_t slot)
{
    return client_slab_entry(&registry->slab, slot);
}

static uint32_t entry_new(struct registry *registry, bool ipv4)
{
    return client_slab_take(&registry->slab, ipv4);
}

static struct client client_of(const struct registry *registry, uint32_t slot, uint64_t now_ms)
{
    const struct entry *entry = entry_at(registry, slot);
    uint64_t last_ms = entry->deadline_ms - registry->ttls[entry->ttl];
    return (struct client){
        .source = client_key_source(&entry->key),
        .local = local_addresses_addr(&registry->locals, (uint16_t)entry->local),
        .idle_ms = now_ms > last_ms ? now_ms - last_ms : 0,
        .age_s = now_ms / 1000 - entry->joined_s,
        .received = entry->received,
        .slot = slot,
        .listener = client_key_listener(&entry->key),
    };
}

/* ---- the way to them ---- */

/* The place of the client, or the empty one where it would get in, from a place on that isn't
 * behind it. */
static inline uint32_t place_from(const struct registry *registry, uint32_t place, uint64_t hash,
                                  const struct client_key *key)
{
    const struct hash_index *index = &registry->index;
    uint32_t tag = hash_index_tag(index, hash);
    for (;; place = hash_index_next(index, place)) {
        uint32_t value = index->values[place];
        if (value == 0 ||
            (hash_index_has_tag(index, value, tag) &&
             client_key_equal(&entry_at(registry, hash_index_slot(index, place))->key, key)))
            return place;
    }
}

static uint32_t place_of(const struct registry *registry, const struct client_key *key)
{
    uint64_t hash = client_key_hash(registry->hash_begin, key);
    return place_from(registry, hash_index_home(&registry->index, hash), hash, key);
}

static uint64_t hash_at(const void *state, uint32_t slot)
{
    const struct registry *registry = state;
    return client_key_hash(registry->hash_begin, &entry_at(registry, slot)->key);
}

/* ---- clients ---- */

/* Time never goes back here, whatever the caller's clock does. */
static uint64_t advance(struct registry *registry, uint64_t now_ms)
{
    if (now_ms > registry->now_ms)
        registry->now_ms = now_ms;
    return registry->now_ms;
}

static uint64_t new_deadline(struct registry *registry, struct entry *entry, uint64_t now_ms)
{
    entry->ttl = registry->ttl;
    return entry->deadline_ms = (now_ms + registry->ttl_ms) & DEADLINE_MASK;
}

static void begin_life(struct registry *registry, struct entry *entry, uint64_t now_ms)
{
    entry->joined = registry->joined++;
    entry->joined_s = (uint32_t)(now_ms / 1000);
    entry->received = 1;
    new_deadline(registry, entry, now_ms);
}

/* Counts a client with its prefix, if that is done at all; false if it is full. */
static bool count_prefix(struct registry *registry, const struct addr *source)
{
    return registry->prefixes == NULL ||
           prefix_counts_add(registry->prefixes, source, registry->prefix_cap);
}

static bool is_counted(const struct registry *registry, const struct entry *entry)
{
    return registry->prefixes != NULL && entry->joined >= registry->counted_from;
}

/* A new client, at the place of the index that was found empty for it. */
static enum registry_outcome join(struct registry *registry, const struct registry_datagram *visit,
                                  uint32_t place, uint64_t now_ms)
{
    if (visit->verb != REGISTRY_JOIN)
        return REGISTRY_UNKNOWN;
    if (registry->count == registry->capacity ||
        (registry->allowance != NULL && !capacity_share_take(registry->allowance)))
        return REGISTRY_REFUSED;
    if (!count_prefix(registry, visit->source)) {
        if (registry->allowance != NULL)
            capacity_share_give(registry->allowance);
        return REGISTRY_PREFIX_FULL;
    }
    uint32_t slot = entry_new(registry, client_key_is_ipv4(&visit->key));
    struct entry *entry = entry_at(registry, slot);
    memcpy(&entry->key, &visit->key, client_key_bytes(&visit->key));
    entry->local = local_addresses_number(&registry->locals, visit->local);
    begin_life(registry, entry, now_ms);

    hash_index_put(&registry->index, place, visit->hash, slot);
    if (slot_bitmap_eight(&registry->live, slot / GROUP) == 0)
        timer_wheel_insert(&registry->wheel, slot / GROUP, entry->deadline_ms);
    else
        timer_wheel_move_earlier(&registry->wheel, slot / GROUP, entry->deadline_ms);
    slot_bitmap_insert(&registry->live, slot);
    registry->count++;
    return REGISTRY_JOINED;
}

/* One whose deadline had passed before the sweep came is as good as new; if it isn't let in, the
 * sweep will still come. */
static enum registry_outcome rejoin(struct registry *registry,
                                    const struct registry_datagram *visit, uint32_t slot,
                                    uint64_t now_ms)
{
    struct entry *entry = entry_at(registry, slot);
    if (visit->verb != REGISTRY_JOIN)
        return REGISTRY_UNKNOWN;
    if (!is_counted(registry, entry) && !count_prefix(registry, visit->source))
        return REGISTRY_PREFIX_FULL;
    entry->local = local_addresses_number(&registry->locals, visit->local);
    begin_life(registry, entry, now_ms);
    return REGISTRY_REJOINED;
}

/* Another datagram of a client that has an entry. */
static inline enum registry_outcome renew(struct registry *registry,
                                          const struct registry_datagram *visit, uint32_t slot,
                                          uint64_t now_ms)
{
    struct entry *entry = entry_at(registry, slot);
    const struct addr *local = visit->local;
    uint64_t deadline_ms = entry->deadline_ms;
    if (deadline_ms <= now_ms)
        return rejoin(registry, visit, slot, now_ms);
    bool unnamed = entry->local == 0 && local->family == ADDR_NONE; /* on a bound socket, always */
    if (!unnamed && !local_addresses_is(&registry->locals, (uint16_t)entry->local, local))
        entry->local = local_addresses_number(&registry->locals, local);
    entry->received += entry->received != UINT32_MAX;
    /* The wheel finds out by itself about a later deadline, not about an earlier one, of a shorter
     * ttl. */
    if (new_deadline(registry, entry, now_ms) < deadline_ms)
        timer_wheel_move_earlier(&registry->wheel, slot / GROUP, entry->deadline_ms);
    return REGISTRY_RENEWED;
}

static void hash_visits(const struct registry *registry, uint8_t listener,
                        struct registry_datagram *visits, size_t count)
{
    for (struct registry_datagram *visit = visits; visit < visits + count; visit++) {
        visit->key = client_key_of(listener, visit->source);
        visit->hash = client_key_hash(registry->hash_begin, &visit->key);
        __builtin_prefetch(&registry->index.values[hash_index_home(&registry->index, visit->hash)]);
    }
}

/* Finds where each client is by its tag alone, which is wrong once in thousands, or where it would
 * get in. */
static void guess_places(const struct registry *registry, struct registry_datagram *visits,
                         size_t count)
{
    const struct hash_index *index = &registry->index;
    for (struct registry_datagram *visit = visits; visit < visits + count; visit++) {
        visit->place = hash_index_guess(index, hash_index_home(index, visit->hash), visit->hash);
        if (index->values[visit->place] != 0)
            __builtin_prefetch(entry_at(registry, hash_index_slot(index, visit->place)), 1);
    }
}

/* The place of a client by its name, whether its deadline has passed or not; false if there is
 * none. */
static bool look_up(const struct registry *registry, uint8_t listener, const struct addr *source,
                    uint32_t *place)
{
    struct client_key key = client_key_of(listener, source);
    *place = place_of(registry, &key);
    return registry->index.values[*place] != 0;
}

bool registry_find(struct registry *registry, uint8_t listener, const struct addr *source,
                   uint64_t now_ms, struct client *client)
{
    uint32_t place;
    now_ms = advance(registry, now_ms);
    if (!look_up(registry, listener, source, &place))
        return false;
    uint32_t slot = hash_index_slot(&registry->index, place);
    if (entry_at(registry, slot)->deadline_ms <= now_ms)
        return false;
    if (client != NULL)
        *client = client_of(registry, slot, now_ms);
    return true;
}

/* ---- who is due ---- */

/* Asks for the entries of the group that comes next. */
static void fetch_group(const struct registry *registry)
{
    uint32_t group = timer_wheel_next(&registry->wheel);
    for (uint32_t i = 0; group != TIMER_WHEEL_NONE && i < GROUP; i++)
        __builtin_prefetch(entry_at(registry, group * GROUP + i));
}

/* Clients of one group that are to be evicted. */
struct due {
    uint32_t count;
    uint32_t slots[GROUP];
    uint64_t hashes[GROUP];
};

/* Picks out the clients of a group that are due, and asks for their homes in the index. Returns
 * when the first of the others will be due, or UINT64_MAX if there are none. */
static uint64_t find_due(const struct registry *registry, uint32_t group, uint64_t now_ms,
                         struct due *due)
{
    uint64_t earliest_ms = UINT64_MAX;
    due->count = 0;
    for (uint32_t live = slot_bitmap_eight(&registry->live, group); live != 0; live &= live - 1) {
        uint32_t slot = group * GROUP + (uint32_t)__builtin_ctz(live);
        const struct entry *entry = entry_at(registry, slot);
        if (entry->deadline_ms > now_ms) {
            if (entry->deadline_ms < earliest_ms)
                earliest_ms = entry->deadline_ms;
            continue;
        }
        uint64_t hash = client_key_hash(registry->hash_begin, &entry->key);
        __builtin_prefetch(&registry->index.values[hash_index_home(&registry->index, hash)], 1);
        due->slots[due->count] = slot;
        due->hashes[due->count++] = hash;
    }
    return earliest_ms;
}

/* Asks for the entries that an eviction will look at: those that stand in the index from the
 * client's home on. */
static void fetch_run(const struct registry *registry, uint64_t hash)
{
    const struct hash_index *index = &registry->index;
    for (uint32_t place = hash_index_home(index, hash); index->values[place] != 0;
         place = hash_index_next(index, place))
        __builtin_prefetch(entry_at(registry, hash_index_slot(index, place)));
}

/* ---- how clients go ---- */

/* Ends the client that the place leads to. The wheel is not told. */
static void evict(struct registry *registry, uint32_t place)
{
    uint32_t slot = hash_index_slot(&registry->index, place);
    const struct entry *entry = entry_at(registry, slot);
    if (is_counted(registry, entry)) {
        struct addr source = client_key_source(&entry->key);
        prefix_counts_remove(registry->prefixes, &source);
    }
    hash_index_remove(&registry->index, place, hash_at, registry);
    slot_bitmap_remove(&registry->live, slot);
    client_slab_give(&registry->slab, slot);
    registry->count--;
    if (registry->allowance != NULL)
        capacity_share_give(registry->allowance);
}

bool registry_remove(struct registry *registry, uint8_t listener, const struct addr *source)
{
    uint32_t place;
    if (!look_up(registry, listener, source, &place))
        return false;
    uint32_t group = hash_index_slot(&registry->index, place) / GROUP;
    evict(registry, place);
    if (slot_bitmap_eight(&registry->live, group) == 0)
        timer_wheel_remove(&registry->wheel, group);
    return true;
}

/* The client leaves, and what stood behind it in the index may have moved to where the visits that
 * follow don't look for it: they begin at their homes again. */
static enum registry_outcome leave(struct registry *registry, uint8_t listener,
                                   struct registry_datagram *visit,
                                   const struct registry_datagram *end)
{
    if (!registry_remove(registry, listener, visit->source))
        return REGISTRY_UNKNOWN;
    for (struct registry_datagram *later = visit + 1; later < end; later++)
        later->place = hash_index_home(&registry->index, later->hash);
    return REGISTRY_LEFT;
}

static inline enum registry_outcome touch_one(struct registry *registry,
                                              struct registry_datagram *visit, uint64_t now_ms)
{
    uint32_t place = place_from(registry, visit->place, visit->hash, &visit->key);
    return registry->index.values[place] == 0
               ? join(registry, visit, place, now_ms)
               : renew(registry, visit, hash_index_slot(&registry->index, place), now_ms);
}

size_t registry_update(struct registry *registry, uint8_t listener,
                       struct registry_datagram *visits, size_t count, uint64_t now_ms)
{
    size_t renewed = 0;
    now_ms = advance(registry, now_ms);
    hash_visits(registry, listener, visits, count);
    guess_places(registry, visits, count);
    for (struct registry_datagram *visit = visits; visit < visits + count; visit++) {
        visit->touched = visit->verb == REGISTRY_LEAVE
                             ? leave(registry, listener, visit, visits + count)
                             : touch_one(registry, visit, now_ms);
        renewed += visit->touched == REGISTRY_RENEWED;
    }
    return renewed;
}

void registry_expire_all(struct registry *registry, uint64_t now_ms)
{
    now_ms = advance(registry, now_ms);
    uint32_t slot = slot_bitmap_next(&registry->live, 0);
    for (; slot != SLOT_BITMAP_END; slot = slot_bitmap_next(&registry->live, slot + 1)) {
        struct entry *entry = entry_at(registry, slot);
        if (entry->deadline_ms > now_ms) {
            entry->deadline_ms = now_ms & DEADLINE_MASK;
            timer_wheel_move_earlier(&registry->wheel, slot / GROUP, now_ms);
        }
    }
}

/* Looks at a group that was taken from the wheel: evicts at most budget clients of it. Returns how
 * many, and sees to it that the others are looked at when the first of them is due. */
static uint32_t sweep_group(struct registry *registry, uint32_t group, uint64_t now_ms,
                            uint32_t budget)
{
    struct due due;
    uint64_t earliest_ms = find_due(registry, group, now_ms, &due);
    uint32_t evicted = due.count < budget ? due.count : budget;
    for (uint32_t i = 0; i < evicted; i++)
        fetch_run(registry, due.hashes[i]);
    for (uint32_t i = 0; i < evicted; i++) {
        const struct client_key *key = &entry_at(registry, due.slots[i])->key;
        uint64_t hash = due.hashes[i];
        evict(registry, place_from(registry, hash_index_home(&registry->index, hash), hash, key));
    }
    if (evicted < due.count)
        timer_wheel_put_back(&registry->wheel, group);
    else if (earliest_ms != UINT64_MAX)
        timer_wheel_insert(&registry->wheel, group, earliest_ms);
    return evicted;
}

bool registry_sweep(struct registry *registry, uint64_t now_ms, uint32_t budget, uint64_t *expired)
{
    now_ms = advance(registry, now_ms);
    while (budget > 0) {
        uint32_t group = timer_wheel_take(&registry->wheel, now_ms);
        if (group == TIMER_WHEEL_NONE)
            return false;
        fetch_group(registry);
        uint32_t evicted = sweep_group(registry, group, now_ms, budget);
        *expired += evicted;
        budget -= evicted > 0 ? evicted : 1;
    }
    return true;
}

/* ---- walks ---- */

struct registry_walk registry_walk_all(void)
{
    return (struct registry_walk){.joined_before = UINT64_MAX};
}

struct registry_walk registry_walk_registered(const struct registry *registry)
{
    return (struct registry_walk){.joined_before = registry->joined};
}

size_t registry_walk(const struct registry *registry, struct registry_walk *walk, uint64_t now_ms,
                     struct client *clients, size_t room)
{
    size_t count = 0;
    if (now_ms < registry->now_ms)
        now_ms = registry->now_ms;
    for (size_t looks = REGISTRY_WALK_STEPS * room; looks > 0 && count < room; looks--) {
        uint32_t slot = slot_bitmap_next(&registry->live, walk->next);
        if (slot == SLOT_BITMAP_END) {
            walk->ended = true;
            break;
        }
        walk->next = slot + 1;
        const struct entry *entry = entry_at(registry, slot);
        if (entry->deadline_ms > now_ms && entry->joined < walk->joined_before)
            clients[count++] = client_of(registry, slot, now_ms);
    }
    return count;
}

void registry_walk_back(struct registry_walk *walk, const struct client *client)
{
    walk->next = client->slot;
    walk->ended = false;
}
