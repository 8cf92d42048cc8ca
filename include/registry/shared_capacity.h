#ifndef REGISTRY_SHARED_CAPACITY_H
#define REGISTRY_SHARED_CAPACITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One limit on clients for many shards, each of which belongs to a thread of its own.
 *
 * The places stand in a pool. A shard takes them from there in blocks, and keeps what it has no use
 * for yet as its allowance, so that most clients come and go without touching what others touch.
 * Where the pool is empty, a shard takes half of what another one keeps. So there are never more
 * clients than places, and no place is out of reach: newcomers are refused when all places are in
 * use, not before. (The one exception passes at once: a place that is on its way from hand to hand
 * at that very moment isn't seen.) */
struct shared_capacity;

/* One shard's end of it, on cache lines of its own. */
struct capacity_share;

enum {
    /* The places that a shard takes at once: one visit to the pool for 64 who join, as many as the
     * datagrams of a batch. Fewer where places are few: an eighth of a shard's part, so that the
     * pool lasts until all shards have their share. */
    SHARED_CAPACITY_BLOCK_MAX = 64,
};

/* A budget of places (at least 1) for a number of shards (at least 1). NULL when memory is short.
 */
struct shared_capacity *shared_capacity_new(uint32_t places, size_t shards);
void shared_capacity_free(struct shared_capacity *budget);

/* That of a shard, numbered from 0; it goes with the budget. */
struct capacity_share *shared_capacity_share(struct shared_capacity *budget, size_t shard);

/* The places that nobody uses, in the pool and in all allowances: right while nobody takes or
 * gives. */
uint32_t shared_capacity_unused(const struct shared_capacity *budget);

/* How many clients a shard must have room for when N shards share places and a hash deals the
 * clients out: its part m, an eighth more, and 64, but never more than all. The clients of a shard
 * have a standard deviation below the root of m, and m / 8 + 64 is never less than 5.6 of those (at
 * m = 512): one shard in 10^8 would be full before the service is. */
uint32_t shared_capacity_shard_room(uint32_t places, size_t shards);

/* Takes a place for a client, by the thread that the shard belongs to. False if none is free:
 * finding that out costs a look at each shard's allowance. */
bool capacity_share_take(struct capacity_share *allowance);

/* Gives the place of a client that is gone back, by the same thread. */
void capacity_share_give(struct capacity_share *allowance);

#endif
