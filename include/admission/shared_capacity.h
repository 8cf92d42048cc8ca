#ifndef ADMISSION_SHARED_CAPACITY_H
#define ADMISSION_SHARED_CAPACITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One limit on the number of clients (clients.max), shared by all shards of the registry, each of
 * which belongs to a thread of its own.
 *
 * A place is the right to register one client. All places start in a pool. A shard takes them from
 * the pool in blocks and keeps the unused ones of a block as its share, so that most clients join
 * and leave without access to memory that other threads write. When the pool is empty, a shard
 * takes half of the share of another one. So there are never more clients than places, and a client
 * is refused only if all places are in use. (One exception: a place that another thread is just
 * moving between the pool and a share is not seen.)
 *
 * Measured alternatives (docs/performance.md, "Alternatives in single modules"):
 *   - shares, as here: 16 ns of CPU time for a client that joins and leaves, with two threads at
 *     once. Memory that other threads write is touched once for up to 64 clients;
 *   - a single counter: simpler, but every client writes its cache line, from all threads: 76 to
 *     83 ns;
 *   - a fixed part of the limit for each shard: needs no shared memory, but the hash distributes
 *     the clients unevenly. Of four shards, the first one refuses a client while 6.1 % of 1,000
 *     places are free, or 0.2 % of 1,000,000. */
struct shared_capacity;

/* The share of one shard, on cache lines of its own. */
struct capacity_share;

enum {
    /* The most places that a shard takes from the pool at once: as many as a batch has datagrams.
     * If there are few places it is an eighth of the mean number of places of a shard, so that the
     * pool is not empty before each shard has a share. */
    SHARED_CAPACITY_BLOCK_MAX = 64,
};

/* Returns the size of the memory of a number of shards (at least 1). shared_capacity_init makes a
 * capacity of places (at least 1) in that memory, which the caller owns: it is all zero and aligned
 * to 64. Use it until all shards' threads have ended. */
size_t shared_capacity_bytes(size_t shards);
struct shared_capacity *shared_capacity_init(void *memory, uint32_t places, size_t shards);

/* The memory may be mapped by several processes, one after the other: shared_capacity_layout is the
 * number of its layout, and shared_capacity_map returns the capacity in memory of that layout, or
 * NULL if it is not one of these places and shards. */
uint64_t shared_capacity_layout(void);
struct shared_capacity *shared_capacity_map(void *memory, uint32_t places, size_t shards);

/* The share of a shard, numbered from 0; valid as long as the memory. */
struct capacity_share *shared_capacity_share(struct shared_capacity *capacity, size_t shard);

/* The number of places not in use, in the pool and in all shares. It is exact only while no thread
 * acquires or releases places. */
uint32_t shared_capacity_unused(const struct shared_capacity *capacity);

/* The number of clients for which a shard needs memory when N shards share the places: its mean m =
 * places / N, plus m / 8, plus 64, but never more than all places. The hash distributes the
 * clients, and their number in a shard has a standard deviation below the square root of m; m / 8 +
 * 64 is at least 5.6 standard deviations (the least is at m = 512). So about one shard in 10^8 is
 * full before all places are in use. */
uint32_t shared_capacity_shard_max(uint32_t places, size_t shards);

/* Acquires a place for a client; called by the shard's thread. Returns false if no place is free,
 * which takes a read of each shard's share. */
bool capacity_share_acquire(struct capacity_share *share);

/* Releases the place of a client that was removed; called by the same thread. */
void capacity_share_release(struct capacity_share *share);

#endif
