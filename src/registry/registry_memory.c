#include "registry/registry_memory.h"
#include "base/handover.h"
#include "registry/registry_state.h"

#include <stdlib.h>

/* The offsets of the parts in the block of memory. */
struct layout {
    size_t index, locals, wheel, live, slab, frames, named, end;
};

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static uint32_t cluster_count(uint32_t capacity)
{
    return (registry_slots(capacity) + REGISTRY_CLUSTER_SLOTS - 1) / REGISTRY_CLUSTER_SLOTS;
}

/* A flag of each client. */
static size_t flags_bytes(uint32_t slots)
{
    return slots / 8 + 1;
}

static struct layout layout_of(uint32_t capacity)
{
    struct layout at;
    at.index = 0;
    at.locals = at.index + aligned(hash_index_bytes(capacity));
    at.wheel = at.locals + aligned(local_addresses_bytes());
    at.live = at.wheel + aligned(timer_wheel_bytes(cluster_count(capacity)));
    at.slab = at.live + aligned(slot_bitmap_bytes(registry_slots(capacity)));
    at.frames = at.slab + aligned(client_slab_bytes(capacity));
    at.named = at.frames + aligned(flags_bytes(registry_slots(capacity)));
    at.end = at.named + aligned(flags_bytes(registry_slots(capacity)));
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
    return layout_of(capacity).slab +
           (size_t)capacity * (ipv6 ? CLIENT_ENTRY6_BYTES : CLIENT_ENTRY4_BYTES) +
           flags_bytes(capacity);
}

size_t registry_named_bytes(uint32_t capacity)
{
    return flags_bytes(capacity);
}

enum {
    /* To be increased with each change of what the block contains, or of what its contents mean,
     * that the sizes do not show. */
    LAYOUT_VERSION = 1,
};

uint64_t registry_layout(uint32_t capacity)
{
    const uint64_t values[] = {
        LAYOUT_VERSION,
        registry_bytes(capacity),
        registry_index_bytes(capacity),
        registry_full_bytes(capacity, false),
        CLIENT_ENTRY4_BYTES,
        CLIENT_ENTRY6_BYTES,
        CLIENT_KEY_LISTENER_SHIFT,
        CLIENT_KEY_FAMILY_SHIFT,
        CLIENT_KEY_IP4_OR_SCOPE_SHIFT,
        CLIENT_DEADLINE_MASK,
        REGISTRY_CLUSTER_SLOTS,
        REGISTRY_TTLS,
        hash_index_bytes(capacity),
        local_addresses_bytes(),
        LOCAL_ADDRESSES_MAX,
        sizeof(struct addr),
        offsetof(struct addr, port),
        offsetof(struct addr, scope),
        offsetof(struct addr, family),
        slot_bitmap_bytes(registry_slots(capacity)),
        TIMER_WHEEL_TICK_MS,
        TIMER_WHEEL_BUCKETS,
        timer_wheel_bytes(capacity),
    };
    return handover_layout(values, sizeof values / sizeof values[0]);
}

/* The registry is on cache lines of its own, since its thread writes it for each batch. */
struct registry *registry_new(void *block, uint32_t capacity, const struct siphash_key *key,
                              uint32_t ttl_ms, uint64_t now_ms)
{
    struct layout at = layout_of(capacity);
    uint8_t *base = block;
    struct registry *registry = aligned_alloc(64, aligned(sizeof *registry));
    if (registry == NULL)
        return NULL;
    *registry = (struct registry){
        .hash_begin = siphash_begin(key),
        .capacity = capacity,
        .ttl_ms = ttl_ms,
        .now_ms = now_ms,
        .ttls = {ttl_ms},
        .frames.bits = base + at.frames,
        .named.bits = base + at.named,
    };
    hash_index_init(&registry->index, base + at.index, capacity, registry_slots(capacity));
    client_slab_init(&registry->slab, base + at.slab, capacity);
    slot_bitmap_init(&registry->live, base + at.live, registry_slots(capacity));
    timer_wheel_init(&registry->wheel, base + at.wheel, now_ms);
    local_addresses_init(&registry->locals, base + at.locals, key);
    return registry;
}

void registry_free(struct registry *registry)
{
    free(registry);
}
