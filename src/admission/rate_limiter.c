#include "admission/rate_limiter.h"

#include "base/handover.h"

#include <stdatomic.h>
#include <stddef.h>

enum { LAYOUT_VERSION = 1 /* to be increased with each change that the sizes do not show */ };

/* full_ns is when the bucket will be full again: it is full if that time is past, and empty if it
 * is a burst ahead. A bucket of zeros is free. tag is the hash that it belongs to. */
struct bucket {
    _Atomic uint64_t tag;
    _Atomic uint64_t full_ns;
};

struct set {
    _Alignas(64) struct bucket ways[RATE_LIMITER_WAYS];
};
_Static_assert(sizeof(struct set) == 64, "a set is a cache line");

/* There is no pointer in the memory: another process maps it elsewhere. */
struct rate_limiter {
    struct siphash_state hash_begin; /* of the secret key */
    uint64_t spread;                 /* odd and secret: distinguishes the addresses of a prefix */
    struct set sets[RATE_LIMITER_SETS];
};

enum { HASH_SHIFT = 64 - 16 }; /* the top bits of a hash choose its set */
_Static_assert(RATE_LIMITER_SETS == 1 << 16, "HASH_SHIFT is 64 less the bits of a set's index");

struct rate_limiter_limits rate_limiter_limits(uint32_t rate_pps, uint32_t burst)
{
    struct rate_limiter_limits limits;
    token_bucket_init(&limits.address, rate_pps, burst);
    token_bucket_init(&limits.prefix, rate_pps * RATE_LIMITER_ADDRESSES_PER_PREFIX,
                      burst * RATE_LIMITER_ADDRESSES_PER_PREFIX);
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

uint64_t rate_limiter_layout(void)
{
    const uint64_t values[] = {LAYOUT_VERSION,     sizeof(struct rate_limiter),
                               RATE_LIMITER_SETS,  RATE_LIMITER_WAYS,
                               sizeof(struct set), offsetof(struct rate_limiter, sets)};
    return handover_layout(values, sizeof values / sizeof values[0]);
}

struct rate_limiter *rate_limiter_map(void *memory)
{
    return memory;
}

/* The hashes by which buckets are found. Only the prefix is hashed, by SipHash-1-3, whose 64 bits
 * cannot be predicted. The hash of an address differs from that of its prefix by a multiple of
 * another secret, which saves a second SipHash. */
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
    /* One word of block, sender and family; all inputs have this length. */
    siphash_absorb(&state, block | (uint64_t)source->family << 56);
    uint64_t prefix = siphash_finish(&state);
    return (struct hashes){prefix, prefix + (within + 1) * limiter->spread};
}

/* Returns the bucket of a hash; a new one is full. The time is cleared before the tag is changed,
 * so that another thread that finds the new tag also finds the new time. */
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

/* Takes a token, if there is one. *before is the value of full_ns before. */
static inline bool take(struct bucket *bucket, const struct token_bucket *limit, uint64_t now_ns,
                        uint64_t *before)
{
    uint64_t full_ns = *before = atomic_load_explicit(&bucket->full_ns, memory_order_relaxed);
    bool takes = token_bucket_take(limit, &full_ns, now_ns);
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
    /* The prefix has no token: return the one of the address. */
    atomic_store_explicit(&address->full_ns, before, memory_order_relaxed);
    return false;
}
