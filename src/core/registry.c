/* The clients of one shard. */
#include "core/registry.h"

#include "core/locals.h"
#include "core/slotset.h"
#include "core/wheel.h"

#include <string.h>

/* An index of 32-bit places, open addressing with linear probing, leads to two slabs of entries
 * that never move, one for each family, since an IPv4 client needs two thirds of what an IPv6
 * client does. Beside them, by slot: the set of those that live, and the wheel that says when to
 * look at them. */

/* What tells clients apart, without padding, to be hashed, compared and copied as bytes: all of it
 * for IPv6, the first KEY4_BYTES for IPv4. */
struct key {
    uint16_t port;
    uint8_t listener;
    uint8_t family;
    uint32_t ip4_or_scope;
    uint8_t ip6[16];
};

enum {
    KEY4_BYTES = offsetof(struct key, ip6),
    KEY6_BYTES = sizeof(struct key),
};

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
    TTLS = 256, /* by the width of entry.ttl; idle_ms is off for who was silent through 256 changes
                   of ttl */
};
_Static_assert(ENTRY4_BYTES == 32 && ENTRY6_BYTES == 48,
               "no padding: entries are paid in cache lines");

/* One family's entries. */
struct slab {
    uint8_t *memory;
    uint32_t stride;
    uint32_t first; /* the slot number of its first entry */
    uint32_t used;  /* entries that were ever used */
    uint32_t free;  /* the last one freed, as slot + 1, and through its ip4_or_scope the one before;
                       0 for  none */
};

struct registry {
    struct siphash_key key;
    uint32_t *index; /* 0: empty; else tag << slot_bits | slot + 1 */
    uint32_t index_mask;
    int index_shift; /* a hash shifted right by this is its home place */
    int slot_bits;
    uint32_t capacity;
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
};

/* ---- memory ---- */

struct layout {
    size_t index, locals, wheel, live, slab4, slab6, end; /* offsets */
    int index_bits;
};

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static int bits_for(uint32_t value)
{
    return 32 - __builtin_clz(value);
}

static struct layout layout_of(uint32_t capacity)
{
    struct layout at;
    /* At most two places in three are taken: a miss looks at 5 places on average (Knuth, TAOCP 6.4,
     * linear probing at load 2/3), most of them in one cache line of 16. */
    at.index_bits = bits_for(capacity + capacity / 2);
    at.index = aligned(sizeof(struct registry));
    at.locals = at.index + aligned(sizeof(uint32_t) << at.index_bits);
    at.wheel = at.locals + aligned(locals_bytes());
    at.live = at.wheel + aligned(wheel_bytes(2 * capacity));
    at.slab4 = at.live + aligned(slotset_bytes(2 * capacity));
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

    registry->key = *key;
    registry->index = (uint32_t *)(void *)(base + at.index);
    registry->index_mask = (UINT32_C(1) << at.index_bits) - 1;
    registry->index_shift = 64 - at.index_bits;
    registry->slot_bits = bits_for(2 * capacity);
    registry->capacity = capacity;
    registry->ttl_ms = registry->ttls[0] = ttl_ms;
    registry->now_ms = now_ms;
    registry->slab4 = (struct slab){.memory = base + at.slab4, .stride = ENTRY4_BYTES};
    registry->slab6 =
        (struct slab){.memory = base + at.slab6, .stride = ENTRY6_BYTES, .first = capacity};
    slotset_init(&registry->live, base + at.live, 2 * capacity);
    wheel_init(&registry->wheel, base + at.wheel, now_ms);
    locals_init(&registry->locals, base + at.locals, key);
    return registry;
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

static const struct slab *slab_of(const struct registry *registry, uint32_t slot)
{
    return slot < registry->capacity ? &registry->slab4 : &registry->slab6;
}

static struct entry *entry_at(const struct registry *registry, uint32_t slot)
{
    const struct slab *slab = slab_of(registry, slot);
    return (struct entry *)(void *)(slab->memory + (size_t)(slot - slab->first) * slab->stride);
}

/* A place of the slab; there is one, since the slab alone could hold all clients. */
static uint32_t entry_new(struct registry *registry, struct slab *slab)
{
    if (slab->free == 0)
        return slab->first + slab->used++;
    uint32_t slot = slab->free - 1;
    slab->free = entry_at(registry, slot)->key.ip4_or_scope;
    return slot;
}

static void entry_free(struct registry *registry, uint32_t slot)
{
    struct slab *slab = slot < registry->capacity ? &registry->slab4 : &registry->slab6;
    entry_at(registry, slot)->key.ip4_or_scope = slab->free;
    slab->free = slot + 1;
}

static size_t key_bytes(const struct key *key)
{
    return key->family == ADDR_IPV4 ? KEY4_BYTES : KEY6_BYTES;
}

/* The bytes behind those that count stay unset. */
static struct key key_of(uint8_t listener, const struct addr *source)
{
    struct key key;
    key.port = source->port;
    key.listener = listener;
    key.family = source->family;
    if (source->family == ADDR_IPV4) {
        memcpy(&key.ip4_or_scope, source->ip, sizeof key.ip4_or_scope);
    } else {
        key.ip4_or_scope = source->scope;
        memcpy(key.ip6, source->ip, sizeof key.ip6);
    }
    return key;
}

/* The family is in the bytes that both have, so none is read behind a short one. */
static bool key_equal(const struct key *a, const struct key *b)
{
    return memcmp(a, b, KEY4_BYTES) == 0 &&
           (a->family == ADDR_IPV4 || memcmp(a->ip6, b->ip6, sizeof a->ip6) == 0);
}

static struct addr source_of(const struct key *key)
{
    struct addr source = {.port = key->port, .family = key->family};
    if (key->family == ADDR_IPV4) {
        memcpy(source.ip, &key->ip4_or_scope, sizeof key->ip4_or_scope);
    } else {
        source.scope = key->ip4_or_scope;
        memcpy(source.ip, key->ip6, sizeof key->ip6);
    }
    return source;
}

static struct client client_of(const struct registry *registry, uint32_t slot, uint64_t now_ms)
{
    const struct entry *entry = entry_at(registry, slot);
    uint64_t last_ms = entry->deadline_ms - registry->ttls[entry->ttl];
    return (struct client){
        .source = source_of(&entry->key),
        .local = locals_addr(&registry->locals, (uint16_t)entry->local),
        .idle_ms = now_ms > last_ms ? now_ms - last_ms : 0,
        .age_s = now_ms / 1000 - entry->joined_s,
        .received = entry->received,
        .slot = slot,
        .listener = entry->key.listener,
    };
}

/* ---- index ---- */

/* A hash's home place is in its top bits, its tag in its low ones: as many as a slot number leaves
 * of 32. */
static uint32_t home_of(const struct registry *registry, uint64_t hash)
{
    return (uint32_t)(hash >> registry->index_shift);
}

static uint32_t tag_of(const struct registry *registry, uint64_t hash)
{
    return (uint32_t)hash << registry->slot_bits;
}

static uint32_t slot_in(const struct registry *registry, uint32_t value)
{
    return (value & ((UINT32_C(1) << registry->slot_bits) - 1)) - 1;
}

/* The place of the client, or the empty one where it would get in. */
static uint32_t place_of(const struct registry *registry, uint64_t hash, const struct key *key)
{
    uint32_t tag = tag_of(registry, hash);
    uint32_t place = home_of(registry, hash);
    for (;; place = (place + 1) & registry->index_mask) {
        uint32_t value = registry->index[place];
        if (value == 0)
            return place;
        if ((value ^ tag) >> registry->slot_bits == 0 &&
            key_equal(&entry_at(registry, slot_in(registry, value))->key, key))
            return place;
    }
}

static uint64_t hash_of(const struct registry *registry, const struct key *key)
{
    /* Two calls of constant sizes: each becomes straight code. */
    return key->family == ADDR_IPV4 ? siphash13(&registry->key, key, KEY4_BYTES)
                                    : siphash13(&registry->key, key, KEY6_BYTES);
}

/* Empties a place and closes the gap: what stands behind it and would be missed there moves up. */
static void index_remove(struct registry *registry, uint32_t gap)
{
    uint32_t mask = registry->index_mask;
    for (uint32_t place = (gap + 1) & mask; registry->index[place] != 0;
         place = (place + 1) & mask) {
        const struct entry *entry = entry_at(registry, slot_in(registry, registry->index[place]));
        uint32_t home = home_of(registry, hash_of(registry, &entry->key));
        if (((place - home) & mask) >= ((place - gap) & mask)) {
            registry->index[gap] = registry->index[place];
            gap = place;
        }
    }
    registry->index[gap] = 0;
}

uint64_t registry_hash(const struct registry *registry, uint8_t listener, const struct addr *source)
{
    struct key key = key_of(listener, source);
    uint64_t hash = hash_of(registry, &key);
    __builtin_prefetch(&registry->index[home_of(registry, hash)]);
    return hash;
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

/* A new client, at the place of the index that was found empty for it. */
static enum registry_touched join(struct registry *registry, uint32_t place, uint64_t hash,
                                  const struct key *key, const struct addr *local, uint64_t now_ms)
{
    if (registry->count == registry->capacity)
        return REGISTRY_REFUSED;
    struct slab *slab = key->family == ADDR_IPV4 ? &registry->slab4 : &registry->slab6;
    uint32_t slot = entry_new(registry, slab);
    struct entry *entry = entry_at(registry, slot);
    memcpy(&entry->key, key, key_bytes(key));
    entry->local = locals_number(&registry->locals, local);
    begin_life(registry, entry, now_ms);

    registry->index[place] = tag_of(registry, hash) | (slot + 1);
    slotset_insert(&registry->live, slot);
    wheel_insert(&registry->wheel, slot, entry->deadline_ms);
    registry->count++;
    return REGISTRY_JOINED;
}

enum registry_touched registry_touch(struct registry *registry, uint64_t hash, uint8_t listener,
                                     const struct addr *source, const struct addr *local,
                                     uint64_t now_ms)
{
    now_ms = advance(registry, now_ms);
    struct key key = key_of(listener, source);
    uint32_t place = place_of(registry, hash, &key);
    if (registry->index[place] == 0)
        return join(registry, place, hash, &key, local, now_ms);

    uint32_t slot = slot_in(registry, registry->index[place]);
    struct entry *entry = entry_at(registry, slot);
    bool unnamed = entry->local == 0 && local->family == ADDR_NONE; /* on a bound socket, always */
    if (!unnamed && !locals_is(&registry->locals, (uint16_t)entry->local, local))
        entry->local = locals_number(&registry->locals, local);
    if (entry->deadline_ms <= now_ms) {
        begin_life(registry, entry, now_ms);
        return REGISTRY_REJOINED;
    }
    entry->received += entry->received != UINT32_MAX;
    /* The wheel finds out by itself about a later deadline, not about an earlier one, of a shorter
     * ttl. */
    uint64_t deadline_ms = entry->deadline_ms;
    if (new_deadline(registry, entry, now_ms) < deadline_ms) {
        wheel_remove(&registry->wheel, slot);
        wheel_insert(&registry->wheel, slot, entry->deadline_ms);
    }
    return REGISTRY_RENEWED;
}

/* The place of a client by its name, whether its deadline has passed or not; false if there is
 * none. */
static bool look_up(const struct registry *registry, uint8_t listener, const struct addr *source,
                    uint32_t *place)
{
    struct key key = key_of(listener, source);
    *place = place_of(registry, hash_of(registry, &key), &key);
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

/* Ends the client that the place leads to, which is out of the wheel already. */
static void evict(struct registry *registry, uint32_t place)
{
    uint32_t slot = slot_in(registry, registry->index[place]);
    index_remove(registry, place);
    slotset_remove(&registry->live, slot);
    entry_free(registry, slot);
    registry->count--;
}

bool registry_remove(struct registry *registry, uint8_t listener, const struct addr *source)
{
    uint32_t place;
    if (!look_up(registry, listener, source, &place))
        return false;
    wheel_remove(&registry->wheel, slot_in(registry, registry->index[place]));
    evict(registry, place);
    return true;
}

bool registry_sweep(struct registry *registry, uint64_t now_ms, uint32_t budget, uint64_t *expired)
{
    now_ms = advance(registry, now_ms);
    for (; budget > 0; budget--) {
        uint32_t slot = wheel_take(&registry->wheel, now_ms);
        if (slot == WHEEL_NONE)
            return false;
        const struct entry *entry = entry_at(registry, slot);
        if (entry->deadline_ms > now_ms) {
            wheel_insert(&registry->wheel, slot, entry->deadline_ms);
            continue;
        }
        evict(registry, place_of(registry, hash_of(registry, &entry->key), &entry->key));
        ++*expired;
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
