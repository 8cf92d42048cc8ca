#include "admission/shared_capacity.h"

#include "base/handover.h"

#include <stdatomic.h>

enum { LAYOUT_VERSION = 1 /* to be increased with each change that the sizes do not show */ };

/* There is no pointer in the memory: another process maps it elsewhere. */
struct capacity_share {
    /* On a cache line of its own, since mostly the shard's thread accesses it. */
    _Alignas(64) _Atomic uint32_t unused;
    uint32_t shard;
};

struct shared_capacity {
    _Alignas(64) _Atomic uint32_t pool;
    /* On another cache line, since the rest never changes. */
    _Alignas(64) uint32_t block;
    uint32_t places;
    size_t shards;
    struct capacity_share shares[];
};

/* The atomic operations are sequentially consistent: a shard refuses a client after it has found
 * the pool and all other shares empty, which must not be due to values that are out of date. */

size_t shared_capacity_bytes(size_t shards)
{
    return sizeof(struct shared_capacity) + shards * sizeof(struct capacity_share);
}

struct shared_capacity *shared_capacity_init(void *memory, uint32_t places, size_t shards)
{
    struct shared_capacity *capacity = memory;
    size_t block = places / (8 * shards);
    capacity->block = block < 1                           ? 1
                      : block < SHARED_CAPACITY_BLOCK_MAX ? (uint32_t)block
                                                          : SHARED_CAPACITY_BLOCK_MAX;
    capacity->places = places;
    capacity->shards = shards;
    atomic_init(&capacity->pool, places);
    for (size_t i = 0; i < shards; i++) {
        atomic_init(&capacity->shares[i].unused, 0);
        capacity->shares[i].shard = (uint32_t)i;
    }
    return capacity;
}

uint64_t shared_capacity_layout(void)
{
    const uint64_t values[] = {LAYOUT_VERSION, sizeof(struct shared_capacity),
                               sizeof(struct capacity_share), SHARED_CAPACITY_BLOCK_MAX};
    return handover_layout(values, sizeof values / sizeof values[0]);
}

struct shared_capacity *shared_capacity_map(void *memory, uint32_t places, size_t shards)
{
    struct shared_capacity *capacity = memory;
    return capacity->places == places && capacity->shards == shards ? capacity : NULL;
}

struct capacity_share *shared_capacity_share(struct shared_capacity *capacity, size_t shard)
{
    return &capacity->shares[shard];
}

uint32_t shared_capacity_unused(const struct shared_capacity *capacity)
{
    uint32_t unused = atomic_load(&capacity->pool);
    for (size_t i = 0; i < capacity->shards; i++)
        unused += atomic_load(&capacity->shares[i].unused);
    return unused;
}

uint32_t shared_capacity_shard_max(uint32_t places, size_t shards)
{
    uint32_t mean = places / (uint32_t)shards;
    uint32_t max = mean + mean / 8 + 64;
    return shards > 1 && max < places ? max : places;
}

/* Takes as many places as there are, at most want. Returns how many. */
static uint32_t take_up_to(_Atomic uint32_t *places, uint32_t want)
{
    uint32_t found = atomic_load(places);
    for (;;) {
        uint32_t taken = found < want ? found : want;
        if (taken == 0 || atomic_compare_exchange_weak(places, &found, found - taken))
            return taken;
    }
}

static struct shared_capacity *capacity_of(struct capacity_share *share)
{
    return (struct shared_capacity *)(void *)((char *)(share - share->shard) -
                                              offsetof(struct shared_capacity, shares));
}

/* Takes half of the share of another shard, rounded up, so that it is rarely needed. */
static uint32_t take_from_others(struct capacity_share *share)
{
    struct shared_capacity *capacity = capacity_of(share);
    size_t own = share->shard;
    for (size_t i = 1; i < capacity->shards; i++) {
        _Atomic uint32_t *unused = &capacity->shares[(own + i) % capacity->shards].unused;
        uint32_t taken = take_up_to(unused, (atomic_load(unused) + 1) / 2);
        if (taken > 0)
            return taken;
    }
    return 0;
}

bool capacity_share_acquire(struct capacity_share *share)
{
    struct shared_capacity *capacity = capacity_of(share);
    if (take_up_to(&share->unused, 1) == 1)
        return true;
    uint32_t taken = take_up_to(&capacity->pool, capacity->block);
    if (taken == 0)
        taken = take_from_others(share);
    if (taken > 1)
        atomic_fetch_add(&share->unused, taken - 1);
    return taken > 0;
}

void capacity_share_release(struct capacity_share *share)
{
    struct shared_capacity *capacity = capacity_of(share);
    /* The limit is two blocks, so that a client that joins and leaves repeatedly does not move a
     * block each time. */
    if (atomic_fetch_add(&share->unused, 1) + 1 >= 2 * capacity->block)
        atomic_fetch_add(&capacity->pool, take_up_to(&share->unused, capacity->block));
}
