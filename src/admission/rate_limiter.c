/* Token buckets in a table that never refuses anyone for being full. */
#include "admission/rate_limiter.h"

#include <stdatomic.h>

/* full_ns is when the bucket will be full again: in the past, it is full; a burst ahead, it is
 * empty. An all-zero bucket is free: it is full, and whose it is doesn't matter. */
struct bucket {
    _Atomic uint64_t tag;
    _Atomic uint64_t full_ns;
};

struct set {
    _Alignas(64) struct bucket ways[RATE_LIMITER_WAYS];
};
_Static_assert(sizeof(struct set) == 64, "a set is a cache line");

struct rate_limiter {
    struct siphash_state hash_begin; /* of the secret key */
    uint64_t spread;                 /* odd, and secret: sets the addresses of a prefix apart */
    struct set sets[RATE_LIMITER_SETS];
};

enum { HASH_SHIFT = 64 - 16 }; /* the top bits of a hash choose its set */
_Static_assert(RATE_LIMITER_SETS == 1 << 16, "as HASH_SHIFT says");

struct rate_limiter_limits rate_limiter_limits(uint32_t rate_pps, uint32_t burst)
{
    struct rate_limiter_limits limits;
    token_bucket_init(&limits.address, rate_pps, burst);
    token_bucket_init(&limits.prefix, rate_pps * RATE_LIMITER_ADDRESSES_A_PREFIX,
                      burst * RATE_LIMITER_ADDRESSES_A_PREFIX);
    return limits;
}

size_t rate_limiter_bytes(void)
{
    return sizeof(struct rate_limiter);
}

struct rate_limiter *rate_limiter_init(void *memory, const struct siphash_key *key)
{
    struct rate_limiter *limiter = memory;
    limiter->hash_begin = siphash_begin(key);
    limiter->spread = siphash13(key, "spread", 6) | 1;
    return limiter;
}

/* The hashes that buckets are found by. The prefix alone goes through SipHash-1-3, which gives 64
 * bits that nobody can guess; an address within it is told from the others there, and from the
 * prefix, by a multiple of another secret. */
struct hashes {
    uint64_t prefix, address;
};

static inline struct hashes hashes_of(const struct rate_limiter *limiter, const struct addr *source,
                                      enum rate_limiter_sender sender)
{
    uint64_t block = (uint64_t)sender << 48, within;
    if (source->family == ADDR_IPV4) {
        block |= siphash_word(source->ip, 3);
        within = source->ip[3];
    } else {
        block |= siphash_word(source->ip, 6);
        within = (uint64_t)source->ip[6] << 8 | source->ip[7];
    }
    struct siphash_state state = limiter->hash_begin;
    /* A single word of block, sender and family: no input is the beginning of another. */
    siphash_absorb(&state, block | (uint64_t)source->family << 56);
    uint64_t prefix = siphash_finish(&state);
    return (struct hashes){prefix, prefix + (within + 1) * limiter->spread};
}

/* The bucket of a hash; a new one is full. The time is cleared before the name is changed: whoever
 * finds the new name finds the new owner's time, too. */
static inline struct bucket *find(struct rate_limiter *limiter, uint64_t hash)
{
    struct bucket *ways = limiter->sets[hash >> HASH_SHIFT].ways;
    for (int i = 0; i < RATE_LIMITER_WAYS; i++)
        if (atomic_load_explicit(&ways[i].tag, memory_order_acquire) == hash)
            return &ways[i];
    struct bucket *fullest = ways;
    for (int i = 1; i < RATE_LIMITER_WAYS; i++)
        if (atomic_load_explicit(&ways[i].full_ns, memory_order_relaxed) <
            atomic_load_explicit(&fullest->full_ns, memory_order_relaxed))
            fullest = &ways[i];
    atomic_store_explicit(&fullest->full_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&fullest->tag, hash, memory_order_release);
    return fullest;
}

/* Takes a token, if there is one. *before is when the bucket was to be full. */
static inline bool take(struct bucket *bucket, const struct token_bucket *gcra, uint64_t now_ns,
                        uint64_t *before)
{
    uint64_t full_ns = *before = atomic_load_explicit(&bucket->full_ns, memory_order_relaxed);
    bool takes = token_bucket_take(gcra, &full_ns, now_ns);
    atomic_store_explicit(&bucket->full_ns, full_ns, memory_order_relaxed);
    return takes;
}

bool rate_limiter_take(struct rate_limiter *limiter, const struct rate_limiter_limits *limits,
                       const struct addr *source, enum rate_limiter_sender sender, uint64_t now_ms)
{
    uint64_t now_ns = now_ms * 1000000, before, ignored;
    struct hashes hashes = hashes_of(limiter, source, sender);
    struct bucket *address = find(limiter, hashes.address);
    if (!take(address, &limits->address, now_ns, &before))
        return false;
    if (take(find(limiter, hashes.prefix), &limits->prefix, now_ns, &ignored))
        return true;
    /* Its token back. */
    atomic_store_explicit(&address->full_ns, before, memory_order_relaxed);
    return false;
}
