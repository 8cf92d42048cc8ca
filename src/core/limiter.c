/* Token buckets in a table that never refuses anyone for being full. */
#include "core/limiter.h"

#include <stdatomic.h>
#include <string.h>

/* full_ns is when the bucket will be full again: in the past, it is full; a burst ahead, it is
 * empty. An all-zero bucket is free: it is full, and whose it is doesn't matter. */
struct bucket {
    _Atomic uint64_t tag;
    _Atomic uint64_t full_ns;
};

struct set {
    _Alignas(64) struct bucket ways[LIMITER_WAYS];
};
_Static_assert(sizeof(struct set) == 64, "a set is a cache line");

struct limiter {
    struct siphash_key key;
    struct set sets[LIMITER_SETS];
};

enum { HASH_SHIFT = 64 - 16 }; /* the top bits of a hash choose its set */
_Static_assert(LIMITER_SETS == 1 << 16, "as HASH_SHIFT says");

static const uint64_t NS_PER_MS = 1000000, NS_PER_S = 1000000000;

struct limiter_limits limiter_limits(uint32_t rate_pps, uint32_t burst)
{
    if (rate_pps == 0)
        return (struct limiter_limits){.address_interval_ns = 0};
    uint64_t interval_ns = NS_PER_S / rate_pps;
    /* A prefix has more tokens and gets them faster, so a full bucket of its own is worth as long.
     */
    uint64_t prefix_ns = NS_PER_S / ((uint64_t)rate_pps * LIMITER_ADDRESSES_A_PREFIX);
    return (struct limiter_limits){
        .address_interval_ns = interval_ns,
        .address_burst_ns = interval_ns * burst,
        .prefix_interval_ns = prefix_ns,
        .prefix_burst_ns = prefix_ns * burst * LIMITER_ADDRESSES_A_PREFIX,
    };
}

size_t limiter_bytes(void)
{
    return sizeof(struct limiter);
}

struct limiter *limiter_init(void *memory, const struct siphash_key *key)
{
    struct limiter *limiter = memory;
    limiter->key = *key;
    return limiter;
}

/* The first bits of an address, and which ones, to be hashed: of a length that the compiler knows.
 */
struct block {
    uint8_t bytes[9];
};

enum { IPV4_ADDRESS, IPV4_PREFIX, IPV6_ADDRESS, IPV6_PREFIX };

static inline struct block address_of(const struct addr *source)
{
    struct block block;
    memcpy(block.bytes, source->ip, 8); /* in IPv4 the last four are zero */
    block.bytes[8] = source->family == ADDR_IPV4 ? IPV4_ADDRESS : IPV6_ADDRESS;
    return block;
}

static inline struct block prefix_of(const struct addr *source)
{
    struct block block = {.bytes = {0}};
    if (source->family == ADDR_IPV4) {
        memcpy(block.bytes, source->ip, 3);
        block.bytes[8] = IPV4_PREFIX;
    } else {
        memcpy(block.bytes, source->ip, 6);
        block.bytes[8] = IPV6_PREFIX;
    }
    return block;
}

/* A bucket as it was found: whose it is, and when it will be full. */
struct found {
    struct bucket *bucket;
    uint64_t tag;
    uint64_t full_ns;
    bool known;
};

/* The bucket of a block; or the fullest of its set, to be taken over. */
static inline struct found find(struct limiter *limiter, struct block block)
{
    uint64_t hash = siphash13(&limiter->key, block.bytes, sizeof block.bytes);
    struct bucket *ways = limiter->sets[hash >> HASH_SHIFT].ways;
    struct found fullest = {.full_ns = UINT64_MAX};
    for (int i = 0; i < LIMITER_WAYS; i++) {
        uint64_t tag = atomic_load_explicit(&ways[i].tag, memory_order_acquire);
        uint64_t full_ns = atomic_load_explicit(&ways[i].full_ns, memory_order_relaxed);
        if (tag == hash)
            return (struct found){&ways[i], hash, full_ns, true};
        if (full_ns < fullest.full_ns)
            fullest = (struct found){&ways[i], hash, full_ns, false};
    }
    fullest.full_ns = 0; /* its new owner's is full */
    return fullest;
}

/* The time before the name: whoever finds the new name finds the new owner's time, too. */
static inline void keep(const struct found *found, uint64_t full_ns)
{
    atomic_store_explicit(&found->bucket->full_ns, full_ns, memory_order_relaxed);
    if (!found->known)
        atomic_store_explicit(&found->bucket->tag, found->tag, memory_order_release);
}

/* Takes a token, if there is one. */
static inline bool take(const struct found *found, uint64_t interval_ns, uint64_t burst_ns,
                        uint64_t now_ns)
{
    uint64_t from_ns = found->full_ns > now_ns ? found->full_ns : now_ns;
    uint64_t full_ns = from_ns + interval_ns;
    if (full_ns - now_ns <= burst_ns) {
        keep(found, full_ns);
        return true;
    }
    /* It lacks more than it can hold: a reload has made it smaller. Then it is just empty. */
    if (from_ns - now_ns > burst_ns)
        keep(found, now_ns + burst_ns);
    return false;
}

bool limiter_take(struct limiter *limiter, const struct limiter_limits *limits,
                  const struct addr *source, uint64_t now_ms)
{
    uint64_t now_ns = now_ms * NS_PER_MS;
    struct found address = find(limiter, address_of(source));
    if (!take(&address, limits->address_interval_ns, limits->address_burst_ns, now_ns))
        return false;
    struct found prefix = find(limiter, prefix_of(source));
    if (take(&prefix, limits->prefix_interval_ns, limits->prefix_burst_ns, now_ns))
        return true;
    keep(&address, address.full_ns); /* its token back */
    return false;
}
