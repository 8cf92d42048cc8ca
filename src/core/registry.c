/* The clients of one shard. */
#include "core/registry.h"

#include "core/locals.h"
#include "core/slotset.h"
#include "core/wheel.h"

#include <string.h>

/* An index of 32-bit places, open addressing with linear probing, leads to two slabs of entries
 * that never move, one for each family, since an IPv4 client needs two thirds of what an IPv6
 * client does. Beside them, by slot: the set of those that live, and by eight slots, the wheel that
 * says when to look at them. docs/performance.md has what else was measured. */

/* A client. The memory that it takes is what a million of them is paid in, so every field is as
 * wide as it must be: 32 bytes for IPv4, 48 for IPv6. */
struct entry {
    uint64_t deadline_ms : 40; /* 34 years of uptime */
    uint64_t ttl : 8;          /* which of registry->ttls its deadline was set by */
    uint64_t local : 16;       /* a number of registry->locals */
    uint64_t joined;           /* the how-manieth ever to join */
    uint32_t joined_s;
    uint32_t received;
    struct key key; /* cut behind KEY4_BYTES for IPv4 */
};

#define DEADLINE_MASK ((UINT64_C(1) << 40) - 1) /* as wide as the field */

enum {
    ENTRY4_BYTES = offsetof(struct entry, key) + KEY4_BYTES,
    ENTRY6_BYTES = offsetof(struct entry, key) + KEY6_BYTES,
    GROUP = 8,  /* slots that are looked at together: their entries lie in a row, and a link is paid
                   for once */
    TTLS = 256, /* by the width of entry.ttl; idle_ms is off for who was silent through 256 changes
                   of ttl */
};
_Static_assert(ENTRY4_BYTES == 32 && ENTRY6_BYTES == 48,
               "no padding: entries are paid in cache lines");

/* One family's entries. */
struct slab {
    uint8_t *memory;
    uint32_t used; /* entries that were ever used */
    uint32_t free; /* the last one freed, as slot + 1, and through its key's head the one before; 0
                      for none */
};

struct registry {
    struct siphash_state hash_begin; /* of the secret key */
    uint32_t *index;                 /* 0: empty; else tag << slot_bits | slot + 1 */
    uint32_t places;                 /* of the index */
    int slot_bits;
    uint32_t slot_mask; /* those bits */
    uint32_t capacity;  /* slots of IPv4 lie below it, those of IPv6 from it on */
    uint32_t count;
    uint32_t ttl_ms;
    uint8_t ttl;
    uint64_t now_ms; /* the latest time seen */
    uint64_t joined;
    struct slab slab4, slab6;
    struct slotset live;
    struct wheel wheel;
    struct locals locals;
    uint32_t ttls[TTLS];
    struct allowance *allowance; /* NULL: its places are its own */
    struct prefixes *prefixes;   /* NULL: nobody counts them */
    uint32_t prefix_cap;
    uint64_t counted_from; /* of those who joined, by number: the first that is counted there */
};

/* ---- memory ---- */

struct layout {
    size_t index, locals, wheel, live, slab4, slab6, end; /* offsets */
    uint32_t places;
};

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static int bits_for(uint32_t value)
{
    return 32 - __builtin_clz(value);
}

static uint32_t groups_of(uint32_t capacity)
{
    return (registry_slots(capacity) + GROUP - 1) / GROUP;
}

static struct layout layout_of(uint32_t capacity)
{
    struct layout at;
    /* Two places in three are taken at most, so one is always empty, and a miss looks at 5 places
     * on average (Knuth, TAOCP 6.4, linear probing at load 2/3), most of them in one cache line of
     * 16. */
    at.places = capacity + capacity / 2 + 1;
    at.index = aligned(sizeof(struct registry));
    at.locals = at.index + aligned(sizeof(uint32_t) * at.places);
    at.wheel = at.locals + aligned(locals_bytes());
    at.live = at.wheel + aligned(wheel_bytes(groups_of(capacity)));
    at.slab4 = at.live + aligned(slotset_bytes(registry_slots(capacity)));
    at.slab6 = at.slab4 + aligned((size_t)capacity * ENTRY4_BYTES);
    at.end = at.slab6 + aligned((size_t)capacity * ENTRY6_BYTES);
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

struct registry *registry_init(void *memory, uint32_t capacity, const struct siphash_key *key,
                               uint32_t ttl_ms, uint64_t now_ms)
{
    struct layout at = layout_of(capacity);
    uint8_t *base = memory;
    struct registry *registry = memory;

    registry->hash_begin = siphash_begin(key);
    registry->index = (uint32_t *)(void *)(base + at.index);
    registry->places = at.places;
    registry->slot_bits = bits_for(registry_slots(capacity));
    registry->slot_mask = (UINT32_C(1) << registry->slot_bits) - 1;
    registry->capacity = capacity;
    registry->ttl_ms = registry->ttls[0] = ttl_ms;
    registry->now_ms = now_ms;
    registry->slab4.memory = base + at.slab4;
    registry->slab6.memory = base + at.slab6;
    slotset_init(&registry->live, base + at.live, registry_slots(capacity));
    wheel_init(&registry->wheel, base + at.wheel, now_ms);
    locals_init(&registry->locals, base + at.locals, key);
    return registry;
}

void registry_share(struct registry *registry, struct allowance *allowance)
{
    registry->allowance = allowance;
}

void registry_cap(struct registry *registry, struct prefixes *prefixes, uint32_t cap)
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
    uint8_t *entry =
        slot < registry->capacity
            ? registry->slab4.memory + (size_t)slot * ENTRY4_BYTES
            : registry->slab6.memory + (size_t)(slot - registry->capacity) * ENTRY6_BYTES;
    return (struct entry *)(void *)entry;
}

static struct slab *slab_of(struct registry *registry, uint32_t slot)
{
    return slot < registry->capacity ? &registry->slab4 : &registry->slab6;
}

/* A slot of the family's; there is one, since each slab could hold all clients. */
static uint32_t entry_new(struct registry *registry, bool ipv4)
{
    struct slab *slab = ipv4 ? &registry->slab4 : &registry->slab6;
    if (slab->free == 0)
        return (ipv4 ? 0 : registry->capacity) + slab->used++;
    uint32_t slot = slab->free - 1;
    slab->free = (uint32_t)entry_at(registry, slot)->key.head;
    return slot;
}

static void entry_free(struct registry *registry, uint32_t slot)
{
    struct slab *slab = slab_of(registry, slot);
    entry_at(registry, slot)->key.head = slab->free;
    slab->free = slot + 1;
}

static struct client client_of(const struct registry *registry, uint32_t slot, uint64_t now_ms)
{
    const struct entry *entry = entry_at(registry, slot);
    uint64_t last_ms = entry->deadline_ms - registry->ttls[entry->ttl];
    return (struct client){
        .source = key_source(&entry->key),
        .local = locals_addr(&registry->locals, (uint16_t)entry->local),
        .idle_ms = now_ms > last_ms ? now_ms - last_ms : 0,
        .age_s = now_ms / 1000 - entry->joined_s,
        .received = entry->received,
        .slot = slot,
        .listener = key_listener(&entry->key),
    };
}

/* ---- index ---- */

/* A hash's home place is by its top half (as a fraction of all places), its tag is in its low bits:
 * as many as a slot number leaves of 32. */
static inline uint32_t home_of(const struct registry *registry, uint64_t hash)
{
    return (uint32_t)((hash >> 32) * registry->places >> 32);
}

static inline uint32_t tag_of(const struct registry *registry, uint64_t hash)
{
    return (uint32_t)hash << registry->slot_bits;
}

static inline bool has_tag(const struct registry *registry, uint32_t value, uint32_t tag)
{
    return (value ^ tag) >> registry->slot_bits == 0;
}

static inline uint32_t slot_in(const struct registry *registry, uint32_t value)
{
    return (value & registry->slot_mask) - 1;
}

/* The index is a ring. */
static inline uint32_t next_place(const struct registry *registry, uint32_t place)
{
    return place + 1 == registry->places ? 0 : place + 1;
}

static inline uint32_t distance(const struct registry *registry, uint32_t from, uint32_t to)
{
    return to >= from ? to - from : to + registry->places - from;
}

/* The place of the client, or the empty one where it would get in, from a place on that isn't
 * behind it. */
static inline uint32_t place_from(const struct registry *registry, uint32_t place, uint64_t hash,
                                  const struct key *key)
{
    uint32_t tag = tag_of(registry, hash);
    for (;; place = next_place(registry, place)) {
        uint32_t value = registry->index[place];
        if (value == 0 || (has_tag(registry, value, tag) &&
                           key_equal(&entry_at(registry, slot_in(registry, value))->key, key)))
            return place;
    }
}

static uint32_t place_of(const struct registry *registry, const struct key *key)
{
    uint64_t hash = key_hash(registry->hash_begin, key);
    return place_from(registry, home_of(registry, hash), hash, key);
}

/* Empties a place and closes the gap: what stands behind it and would be missed there moves up. */
static void index_remove(struct registry *registry, uint32_t gap)
{
    for (uint32_t place = next_place(registry, gap); registry->index[place] != 0;
         place = next_place(registry, place)) {
        const struct entry *entry = entry_at(registry, slot_in(registry, registry->index[place]));
        uint32_t home = home_of(registry, key_hash(registry->hash_begin, &entry->key));
        if (distance(registry, home, place) >= distance(registry, gap, place)) {
            registry->index[gap] = registry->index[place];
            gap = place;
        }
    }
    registry->index[gap] = 0;
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
           prefixes_add(registry->prefixes, source, registry->prefix_cap);
}

static bool is_counted(const struct registry *registry, const struct entry *entry)
{
    return registry->prefixes != NULL && entry->joined >= registry->counted_from;
}

/* A new client, at the place of the index that was found empty for it. */
static enum registry_touched join(struct registry *registry, const struct registry_visit *visit,
                                  uint32_t place, uint64_t now_ms)
{
    if (visit->verb != REGISTRY_JOIN)
        return REGISTRY_STRANGER;
    if (registry->count == registry->capacity ||
        (registry->allowance != NULL && !allowance_take(registry->allowance)))
        return REGISTRY_REFUSED;
    if (!count_prefix(registry, visit->source)) {
        if (registry->allowance != NULL)
            allowance_give(registry->allowance);
        return REGISTRY_CROWDED;
    }
    uint32_t slot = entry_new(registry, key_is_ipv4(&visit->key));
    struct entry *entry = entry_at(registry, slot);
    memcpy(&entry->key, &visit->key, key_bytes(&visit->key));
    entry->local = locals_number(&registry->locals, visit->local);
    begin_life(registry, entry, now_ms);

    registry->index[place] = tag_of(registry, visit->hash) | (slot + 1);
    if (slotset_eight(&registry->live, slot / GROUP) == 0)
        wheel_insert(&registry->wheel, slot / GROUP, entry->deadline_ms);
    else
        wheel_hasten(&registry->wheel, slot / GROUP, entry->deadline_ms);
    slotset_insert(&registry->live, slot);
    registry->count++;
    return REGISTRY_JOINED;
}

/* One whose deadline had passed before the sweep came is as good as new; if it isn't let in, the
 * sweep will still come. */
static enum registry_touched rejoin(struct registry *registry, const struct registry_visit *visit,
                                    uint32_t slot, uint64_t now_ms)
{
    struct entry *entry = entry_at(registry, slot);
    if (visit->verb != REGISTRY_JOIN)
        return REGISTRY_STRANGER;
    if (!is_counted(registry, entry) && !count_prefix(registry, visit->source))
        return REGISTRY_CROWDED;
    entry->local = locals_number(&registry->locals, visit->local);
    begin_life(registry, entry, now_ms);
    /* Where its life was ended early, the wheel may think of a later deadline. */
    wheel_hasten(&registry->wheel, slot / GROUP, entry->deadline_ms);
    return REGISTRY_REJOINED;
}

/* Another datagram of a client that has an entry. */
static inline enum registry_touched renew(struct registry *registry,
                                          const struct registry_visit *visit, uint32_t slot,
                                          uint64_t now_ms)
{
    struct entry *entry = entry_at(registry, slot);
    const struct addr *local = visit->local;
    uint64_t deadline_ms = entry->deadline_ms;
    if (deadline_ms <= now_ms)
        return rejoin(registry, visit, slot, now_ms);
    bool unnamed = entry->local == 0 && local->family == ADDR_NONE; /* on a bound socket, always */
    if (!unnamed && !locals_is(&registry->locals, (uint16_t)entry->local, local))
        entry->local = locals_number(&registry->locals, local);
    entry->received += entry->received != UINT32_MAX;
    /* The wheel finds out by itself about a later deadline, not about an earlier one, of a shorter
     * ttl. */
    if (new_deadline(registry, entry, now_ms) < deadline_ms)
        wheel_hasten(&registry->wheel, slot / GROUP, entry->deadline_ms);
    return REGISTRY_RENEWED;
}

static void hash_visits(const struct registry *registry, uint8_t listener,
                        struct registry_visit *visits, size_t count)
{
    for (struct registry_visit *visit = visits; visit < visits + count; visit++) {
        visit->key = key_of(listener, visit->source);
        visit->hash = key_hash(registry->hash_begin, &visit->key);
        __builtin_prefetch(&registry->index[home_of(registry, visit->hash)]);
    }
}

/* Finds where each client is by its tag alone, which is wrong once in thousands, or where it would
 * get in. */
static void guess_places(const struct registry *registry, struct registry_visit *visits,
                         size_t count)
{
    for (struct registry_visit *visit = visits; visit < visits + count; visit++) {
        uint32_t tag = tag_of(registry, visit->hash);
        uint32_t place = home_of(registry, visit->hash), value;
        while ((value = registry->index[place]) != 0 && !has_tag(registry, value, tag))
            place = next_place(registry, place);
        visit->place = place;
        if (value != 0)
            __builtin_prefetch(entry_at(registry, slot_in(registry, value)), 1);
    }
}

/* The place of a client by its name, whether its deadline has passed or not; false if there is
 * none. */
static bool look_up(const struct registry *registry, uint8_t listener, const struct addr *source,
                    uint32_t *place)
{
    struct key key = key_of(listener, source);
    *place = place_of(registry, &key);
    return registry->index[*place] != 0;
}

bool registry_find(struct registry *registry, uint8_t listener, const struct addr *source,
                   uint64_t now_ms, struct client *client)
{
    uint32_t place;
    now_ms = advance(registry, now_ms);
    if (!look_up(registry, listener, source, &place))
        return false;
    uint32_t slot = slot_in(registry, registry->index[place]);
    if (entry_at(registry, slot)->deadline_ms <= now_ms)
        return false;
    if (client != NULL)
        *client = client_of(registry, slot, now_ms);
    return true;
}

/* Ends the client that the place leads to. The wheel is not told. */
static void evict(struct registry *registry, uint32_t place)
{
    uint32_t slot = slot_in(registry, registry->index[place]);
    const struct entry *entry = entry_at(registry, slot);
    if (is_counted(registry, entry)) {
        struct addr source = key_source(&entry->key);
        prefixes_remove(registry->prefixes, &source);
    }
    index_remove(registry, place);
    slotset_remove(&registry->live, slot);
    entry_free(registry, slot);
    registry->count--;
    if (registry->allowance != NULL)
        allowance_give(registry->allowance);
}

bool registry_remove(struct registry *registry, uint8_t listener, const struct addr *source)
{
    uint32_t place;
    if (!look_up(registry, listener, source, &place))
        return false;
    uint32_t group = slot_in(registry, registry->index[place]) / GROUP;
    evict(registry, place);
    if (slotset_eight(&registry->live, group) == 0)
        wheel_remove(&registry->wheel, group);
    return true;
}

/* The client leaves, and what stood behind it in the index may have moved to where the visits that
 * follow don't look for it: they begin at their homes again. */
static enum registry_touched leave(struct registry *registry, uint8_t listener,
                                   struct registry_visit *visit, const struct registry_visit *end)
{
    if (!registry_remove(registry, listener, visit->source))
        return REGISTRY_STRANGER;
    for (struct registry_visit *later = visit + 1; later < end; later++)
        later->place = home_of(registry, later->hash);
    return REGISTRY_LEFT;
}

static inline enum registry_touched touch_one(struct registry *registry,
                                              struct registry_visit *visit, uint64_t now_ms)
{
    uint32_t place = place_from(registry, visit->place, visit->hash, &visit->key);
    uint32_t value = registry->index[place];
    return value == 0 ? join(registry, visit, place, now_ms)
                      : renew(registry, visit, slot_in(registry, value), now_ms);
}

size_t registry_touch(struct registry *registry, uint8_t listener, struct registry_visit *visits,
                      size_t count, uint64_t now_ms)
{
    size_t renewed = 0;
    now_ms = advance(registry, now_ms);
    hash_visits(registry, listener, visits, count);
    guess_places(registry, visits, count);
    for (struct registry_visit *visit = visits; visit < visits + count; visit++) {
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
    uint32_t slot = slotset_next(&registry->live, 0);
    for (; slot != SLOTSET_END; slot = slotset_next(&registry->live, slot + 1)) {
        struct entry *entry = entry_at(registry, slot);
        if (entry->deadline_ms > now_ms)
            entry->deadline_ms = now_ms & DEADLINE_MASK;
    }
}

/* Looks at a group that was taken from the wheel: evicts at most budget clients of it. Returns how
 * many, and sees to it that the others are looked at when the first of them is due. */
static uint32_t sweep_group(struct registry *registry, uint32_t group, uint64_t now_ms,
                            uint32_t budget)
{
    uint32_t evicted = 0;
    uint64_t earliest_ms = UINT64_MAX;
    for (uint32_t live = slotset_eight(&registry->live, group); live != 0; live &= live - 1) {
        const struct entry *entry =
            entry_at(registry, group * GROUP + (uint32_t)__builtin_ctz(live));
        if (entry->deadline_ms > now_ms) {
            if (entry->deadline_ms < earliest_ms)
                earliest_ms = entry->deadline_ms;
            continue;
        }
        if (evicted == budget) {
            wheel_put_back(&registry->wheel, group);
            return evicted;
        }
        evict(registry, place_of(registry, &entry->key));
        evicted++;
    }
    if (earliest_ms != UINT64_MAX)
        wheel_insert(&registry->wheel, group, earliest_ms);
    return evicted;
}

bool registry_sweep(struct registry *registry, uint64_t now_ms, uint32_t budget, uint64_t *expired)
{
    now_ms = advance(registry, now_ms);
    while (budget > 0) {
        uint32_t group = wheel_take(&registry->wheel, now_ms);
        if (group == WHEEL_NONE)
            return false;
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
    for (size_t looks = REGISTRY_WALK_LOOKS * room; looks > 0 && count < room; looks--) {
        uint32_t slot = slotset_next(&registry->live, walk->next);
        if (slot == SLOTSET_END) {
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
