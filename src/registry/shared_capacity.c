/* Places for clients: a pool that all shards share, and what each shard keeps of it. */
#include "registry/shared_capacity.h"

#include <stdatomic.h>
#include <stdlib.h>

struct capacity_share {
    /* Its own shard's thread takes and gives here, and hardly any other does: so it has a cache
     * line of its own. */
    _Alignas(64) _Atomic uint32_t held;
    struct shared_capacity *budget;
};

struct shared_capacity {
    _Alignas(64) _Atomic uint32_t pool;
    _Alignas(64) uint32_t block; /* and what follows never changes */
    size_t shards;
    struct capacity_share allowances[];
};

/* The atomic operations are sequentially consistent: a shard that found all others empty has the
 * last word only if it can't have looked into the past. */

struct shared_capacity *shared_capacity_new(uint32_t places, size_t shards)
{
    struct shared_capacity *budget =
        aligned_alloc(64, sizeof *budget + shards * sizeof budget->allowances[0]);
    if (budget == NULL)
        return NULL;
    size_t block = places / (8 * shards);
    budget->block = block < 1                           ? 1
                    : block < SHARED_CAPACITY_BLOCK_MAX ? (uint32_t)block
                                                        : SHARED_CAPACITY_BLOCK_MAX;
    budget->shards = shards;
    atomic_init(&budget->pool, places);
    for (size_t i = 0; i < shards; i++) {
        atomic_init(&budget->allowances[i].held, 0);
        budget->allowances[i].budget = budget;
    }
    return budget;
}

void shared_capacity_free(struct shared_capacity *budget)
{
    free(budget);
}

struct capacity_share *shared_capacity_share(struct shared_capacity *budget, size_t shard)
{
    return &budget->allowances[shard];
}

uint32_t shared_capacity_unused(const struct shared_capacity *budget)
{
    uint32_t unused = atomic_load(&budget->pool);
    for (size_t i = 0; i < budget->shards; i++)
        unused += atomic_load(&budget->allowances[i].held);
    return unused;
}

uint32_t shared_capacity_shard_room(uint32_t places, size_t shards)
{
    uint32_t part = places / (uint32_t)shards;
    uint32_t room = part + part / 8 + 64;
    return shards > 1 && room < places ? room : places;
}

/* Takes as many as are there, up to want. */
static uint32_t take_up_to(_Atomic uint32_t *places, uint32_t want)
{
    uint32_t there = atomic_load(places);
    for (;;) {
        uint32_t taken = there < want ? there : want;
        if (taken == 0 || atomic_compare_exchange_weak(places, &there, there - taken))
            return taken;
    }
}

/* Half of what another shard keeps, the last one included, so that few thefts are needed. */
static uint32_t take_from_others(struct capacity_share *allowance)
{
    struct shared_capacity *budget = allowance->budget;
    size_t own = (size_t)(allowance - budget->allowances);
    for (size_t i = 1; i < budget->shards; i++) {
        _Atomic uint32_t *held = &budget->allowances[(own + i) % budget->shards].held;
        uint32_t taken = take_up_to(held, (atomic_load(held) + 1) / 2);
        if (taken > 0)
            return taken;
    }
    return 0;
}

bool capacity_share_take(struct capacity_share *allowance)
{
    struct shared_capacity *budget = allowance->budget;
    if (take_up_to(&allowance->held, 1) == 1)
        return true;
    uint32_t taken = take_up_to(&budget->pool, budget->block);
    if (taken == 0)
        taken = take_from_others(allowance);
    if (taken > 1)
        atomic_fetch_add(&allowance->held, taken - 1);
    return taken > 0;
}

void capacity_share_give(struct capacity_share *allowance)
{
    struct shared_capacity *budget = allowance->budget;
    /* Two blocks, so that who comes and goes at the edge of one doesn't move it to and fro. */
    if (atomic_fetch_add(&allowance->held, 1) + 1 >= 2 * budget->block)
        atomic_fetch_add(&budget->pool, take_up_to(&allowance->held, budget->block));
}
