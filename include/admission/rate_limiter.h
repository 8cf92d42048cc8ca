#ifndef ADMISSION_RATE_LIMITER_H
#define ADMISSION_RATE_LIMITER_H

#include "address/addr.h"
#include "base/siphash.h"
#include "base/token_bucket.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How much each may send: token buckets for an address and for its prefix, in a table of fixed size
 * that all workers share.
 *
 * An address is an IPv4 /32 or an IPv6 /64 (what one host or home is given); a prefix is the IPv4
 * /24 or the IPv6 /48 around it. A datagram takes a token from both buckets or is refused and takes
 * none: an address that is over its rate doesn't use up its prefix.
 *
 * What is promised: nobody is refused for what others sent, unless they are in the same prefix. A
 * new bucket starts full. When a set of the table has no free place, the bucket that has the most
 * tokens goes, which has the least to forget; who comes back to find his gone starts full again. So
 * a flood from more sources than there are places can win some of its own senders more than their
 * rate, until the buckets of its prefixes stop them, and can never take anything from a stranger.
 * (A table that refuses newcomers when it is full, or shares buckets, hands the flood a way to lock
 * others out.) Places are chosen by a keyed hash of which all 64 bits are compared.
 *
 * Buckets are kept as times (base/token_bucket): one word says when a bucket will be full, and
 * nothing needs refilling. Threads use the table at once, without locks; where two take from one
 * bucket in the same moment, one token may be spent twice. */
struct rate_limiter;

enum {
    RATE_LIMITER_SETS = 1 << 16,
    RATE_LIMITER_WAYS = 4, /* a cache line: buckets of 16 bytes */
    /* What a prefix may send, in addresses: a /24 that is one carrier's, thousands of phones behind
     * each of a few addresses, and not one that an attacker has all of. */
    RATE_LIMITER_ADDRESSES_A_PREFIX = 32,
    RATE_LIMITER_RATE_MAX = 1000000,
    RATE_LIMITER_BURST_MAX = 1000000,
};

/* Two kinds of buckets, for each address and prefix one of either: what comes from who has shown
 * that he receives there, and what only claims to. So whoever forges an address uses up what
 * strangers of that address may send, and not what its owner may. */
enum rate_limiter_sender { RATE_LIMITER_UNVERIFIED, RATE_LIMITER_VERIFIED };

/* What the buckets hold and how they fill. A plain value. */
struct rate_limiter_limits {
    struct token_bucket address, prefix;
};

/* The limits of rate_pps datagrams a second to an address (0 to RATE_LIMITER_RATE_MAX; 0: none),
 * burst of them at once (1 to RATE_LIMITER_BURST_MAX; without a limit it says nothing), and
 * RATE_LIMITER_ADDRESSES_A_PREFIX times both to a prefix. */
struct rate_limiter_limits rate_limiter_limits(uint32_t rate_pps, uint32_t burst);

/* The table's memory, 4 MiB: zero bytes, aligned to 64, the caller's. */
size_t rate_limiter_bytes(void);
struct rate_limiter *rate_limiter_init(void *memory, const struct siphash_key *key);

/* A datagram came: takes a token from the sender's buckets of its address and of its prefix, or
 * refuses it.
 * Time is an argument, in milliseconds of a clock that never goes back. Within a millisecond only
 * the burst counts, so a burst should be what comes in some. */
bool rate_limiter_take(struct rate_limiter *limiter, const struct rate_limiter_limits *limits,
                       const struct addr *source, enum rate_limiter_sender sender, uint64_t now_ms);

#endif
