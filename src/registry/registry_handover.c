#include "registry/registry_handover.h"

#include "registry/registry.h"
#include "registry/registry_state.h"

#include <errno.h>

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

static void put_usage(struct handover_writer *writer, const struct client_slab_usage *usage)
{
    handover_put32(writer, usage->used);
    handover_put32(writer, usage->free);
}

void registry_hand_over(const struct registry *registry, struct handover_writer *writer)
{
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
