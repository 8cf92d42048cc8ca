#include "admission/rate_limiter.h"

#include "base/handover.h"

#include <stddef.h>

enum { LAYOUT_VERSION = 1 /* to be increased with each change that the sizes do not show */ };

/* There is no pointer in the memory: another process maps it elsewhere. */
struct rate_limiter {
    struct siphash_state hash_begin; /* of the secret key */
    uint64_t spread;                 /* odd and secret: distinguishes the addresses of a prefix */
    struct rate_bucket_set sets[RATE_LIMITER_SETS];
};
_Static_assert(offsetof(struct rate_limiter, sets) == sizeof(struct rate_bucket_set) &&
                   sizeof(struct rate_limiter) ==
                       RATE_BUCKET_BLOCKS * sizeof(struct rate_bucket_set),
               "the table is an array of blocks");

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
    const uint64_t values[] = {
        LAYOUT_VERSION,    sizeof(struct rate_limiter),    RATE_LIMITER_SETS,
        RATE_LIMITER_WAYS, sizeof(struct rate_bucket_set), offsetof(struct rate_limiter, sets)};
    return handover_layout(values, sizeof values / sizeof values[0]);
}

struct rate_limiter *rate_limiter_map(void *memory)
{
    return memory;
}

bool rate_limiter_is_initialised(const void *memory)
{
    const struct rate_limiter *limiter = memory;
    return limiter->spread != 0;
}

/* Only the prefix is hashed, by SipHash-1-3, whose 64 bits cannot be predicted. The hash of an
 * address differs from that of its prefix by a multiple of another secret, which saves a second
 * SipHash. */
static inline struct rate_limiter_hashes hashes_of(const struct rate_limiter *limiter,
                                                   const struct addr *source,
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
    return (struct rate_limiter_hashes){prefix + (within + 1) * limiter->spread, prefix};
}

struct rate_limiter_hashes rate_limiter_hashes(const struct rate_limiter *limiter,
                                               const struct addr *source,
                                               enum rate_limiter_sender sender)
{
    return hashes_of(limiter, source, sender);
}

/* Returns the bucket of a hash; a new one is full. The time is cleared before the tag is changed,
 * so that another thread that finds the new tag also finds the new time. */
static inline struct rate_bucket *find(struct rate_limiter *limiter, uint64_t hash)
{
    struct rate_bucket *ways = limiter->sets[rate_bucket_block_of(hash) - 1].ways;
    for (int i = 0; i < RATE_LIMITER_WAYS; i++)
        if (__atomic_load_n(&ways[i].tag, __ATOMIC_ACQUIRE) == hash)
            return &ways[i];
    struct rate_bucket *fullest = ways;
    for (int i = 1; i < RATE_LIMITER_WAYS; i++)
        if (__atomic_load_n(&ways[i].full_ns, __ATOMIC_RELAXED) <
            __atomic_load_n(&fullest->full_ns, __ATOMIC_RELAXED))
            fullest = &ways[i];
    __atomic_store_n(&fullest->full_ns, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&fullest->tag, hash, __ATOMIC_RELEASE);
    return fullest;
}

/* The time of a bucket before and after a token was taken. */
struct taken {
    uint64_t before_ns, after_ns;
};

/* Takes a token, if there is one, that nobody else takes. What is refused changes nothing, but for
 * a time that is beyond the limit's greatest one (base/token_bucket). */
static inline bool take(struct rate_bucket *bucket, const struct token_bucket *limit,
                        uint64_t now_ns, struct taken *taken)
{
    bool takes;
    taken->before_ns = __atomic_load_n(&bucket->full_ns, __ATOMIC_RELAXED);
    do {
        taken->after_ns = taken->before_ns;
        takes = token_bucket_take(limit, &taken->after_ns, now_ns);
    } while (taken->after_ns != taken->before_ns &&
             !__atomic_compare_exchange_n(&bucket->full_ns, &taken->before_ns, taken->after_ns,
                                          true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return takes;
}

/* The token is lost if another one was taken in the meantime. */
static inline void give_back(struct rate_bucket *bucket, struct taken taken)
{
    __atomic_compare_exchange_n(&bucket->full_ns, &taken.after_ns, taken.before_ns, false,
                                __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

bool rate_limiter_take(struct rate_limiter *limiter, const struct rate_limiter_limits *limits,
                       const struct addr *source, enum rate_limiter_sender sender, uint64_t now_ms)
{
    uint64_t now_ns = now_ms * 1000000;
    struct rate_limiter_hashes hashes = hashes_of(limiter, source, sender);
    struct rate_bucket *address = find(limiter, hashes.address);
    struct taken of_address, of_prefix;
    if (!take(address, &limits->address, now_ns, &of_address))
        return false;
    if (take(find(limiter, hashes.prefix), &limits->prefix, now_ns, &of_prefix))
        return true;
    give_back(address, of_address);
    return false;
}
