#ifndef ADMISSION_RATE_LIMITER_H
#define ADMISSION_RATE_LIMITER_H

#include "address/addr.h"
#include "admission/rate_buckets.h"
#include "base/siphash.h"
#include "base/token_bucket.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The rate limit of each source address and of its prefix: token buckets in a table of fixed size
 * that all workers share.
 *
 * An address is an IPv4 /32 or an IPv6 /64 (which one host or household is given); a prefix is the
 * IPv4 /24 or the IPv6 /48 around it. A datagram takes a token from both buckets, or is refused and
 * takes none: an address above its rate does not use up the tokens of its prefix.
 *
 * The guarantee: no datagram is refused because of what sources in other prefixes sent. A new
 * bucket starts full. If the set of the table in which it belongs has no free entry, it replaces
 * the bucket with the most tokens, of which the least is lost; a source whose bucket was replaced
 * starts full again. So in a flood from more sources than the table has buckets (262,140 in 4 MiB),
 * some sources of the flood may exceed their rate until the buckets of their prefixes stop them;
 * the flood takes nothing from other sources. If a full table refused new sources, or if sources
 * shared a bucket by their hash, a flood could get other sources refused. Memory that grows by an
 * entry for each source would have no limit, since forged sources have none.
 *
 * Entries are found by a keyed hash, and all 64 bits of it are compared. A bucket is stored as the
 * time at which it will be full (base/token_bucket), so it needs no refilling. All threads use the
 * table without locks, and so does the program of the offload in the kernel; no two take the same
 * token. The limiter and 10,000 denied networks together add 283 user instructions to a datagram
 * (docs/performance.md). */
struct rate_limiter;

enum {
    /* The rate of a prefix as a multiple of an address's rate. It suits the /24 of a mobile
     * carrier, with thousands of phones behind each of a few addresses, and stops an attacker that
     * has all addresses of a /24. */
    RATE_LIMITER_ADDRESSES_PER_PREFIX = 32,
    RATE_LIMITER_RATE_MAX = 1000000,
    RATE_LIMITER_BURST_MAX = 1000000,
};

/* Each address and prefix has two buckets: one for sources whose address is verified, and one for
 * the others. So an attacker that forges an address uses up only the tokens of its unverified
 * sources. */
enum rate_limiter_sender { RATE_LIMITER_UNVERIFIED, RATE_LIMITER_VERIFIED };

/* The limits of the buckets, a plain value. */
struct rate_limiter_limits {
    struct token_bucket address, prefix;
};

/* Limits of rate_pps datagrams per second for an address (0 to RATE_LIMITER_RATE_MAX; 0: no limit),
 * with burst of them at once (1 to RATE_LIMITER_BURST_MAX; it has no effect without a limit), and
 * of RATE_LIMITER_ADDRESSES_PER_PREFIX times both for a prefix. */
struct rate_limiter_limits rate_limiter_limits(uint32_t rate_pps, uint32_t burst);

/* Returns the size of the table's memory, 4 MiB. rate_limiter_init makes the table in that memory,
 * which the caller owns: it is all zero and aligned to 64. */
size_t rate_limiter_bytes(void);
struct rate_limiter *rate_limiter_init(void *memory, const struct siphash_key *key);

/* The memory may be mapped by several processes, one after the other: rate_limiter_layout is the
 * number of its layout, and rate_limiter_map returns the limiter in memory of that layout. */
uint64_t rate_limiter_layout(void);
struct rate_limiter *rate_limiter_map(void *memory);

/* Returns whether rate_limiter_init has made a limiter in memory of that layout; memory that is all
 * zero has none. */
bool rate_limiter_is_initialised(const void *memory);

/* The tags of the two buckets that a datagram takes tokens from (admission/rate_buckets): of its
 * address and of its prefix. They stay the same for the life of the limiter. */
struct rate_limiter_hashes {
    uint64_t address, prefix;
};
struct rate_limiter_hashes rate_limiter_hashes(const struct rate_limiter *limiter,
                                               const struct addr *source,
                                               enum rate_limiter_sender sender);

/* Takes a token for a datagram from the buckets of its address and its prefix. Returns false if the
 * datagram is to be refused. now_ms is of a monotonic clock. Within one millisecond no bucket
 * fills, so the burst should be at least what a source sends in a few milliseconds. */
bool rate_limiter_take(struct rate_limiter *limiter, const struct rate_limiter_limits *limits,
                       const struct addr *source, enum rate_limiter_sender sender, uint64_t now_ms);

#endif
