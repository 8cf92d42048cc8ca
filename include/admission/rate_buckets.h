#ifndef ADMISSION_RATE_BUCKETS_H
#define ADMISSION_RATE_BUCKETS_H

#include <stdint.h>

/* The layout of the rate limiter's table (admission/rate_limiter), which the program of the offload
 * in the kernel takes tokens from as well (src/net/offload). Both include this header, so it has no
 * pointer and no type of the C library but those of <stdint.h>.
 *
 * The table is an array of blocks of 64 bytes: the first one is for the limiter only, and each
 * other one is a set of buckets. */

enum {
    RATE_BUCKET_BLOCKS = 1 << 16, /* a power of two: the kernel may round it up to one */
    RATE_LIMITER_SETS = RATE_BUCKET_BLOCKS - 1,
    RATE_LIMITER_WAYS = 4, /* buckets of 16 bytes: a set is a cache line */
};

/* tag is the hash of the address or prefix that the bucket belongs to. full_ns is when it will be
 * full again, by the clock of the datagrams: it is full if that time is past, and empty if it is a
 * burst ahead (due_ns of base/token_bucket). A bucket of zeros is free. */
struct rate_bucket {
    uint64_t tag;
    uint64_t full_ns;
};

struct rate_bucket_set {
    _Alignas(64) struct rate_bucket ways[RATE_LIMITER_WAYS];
};
_Static_assert(sizeof(struct rate_bucket_set) == 64, "a set is a cache line");

/* The index of the block with the bucket of a tag, 1 or more, by the top 16 bits of the tag. */
static inline uint32_t rate_bucket_block_of(uint64_t tag)
{
    return (uint32_t)(1 + ((tag >> 48) * RATE_LIMITER_SETS >> 16));
}

#endif
