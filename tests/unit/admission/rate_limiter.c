/* Tests of admission/rate_limiter: rates and bursts of addresses and prefixes, and a full table. */
#include "admission/rate_limiter.h"

#include "base/prng.h"

#include "addr_fixture.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

static const struct siphash_key key = {3, 4};

enum { START_MS = 5000000 };

static struct rate_limiter *limiter;

static void begin(void)
{
    void *memory = aligned_alloc(64, rate_limiter_bytes());
    cr_assert_not_null(memory);
    memset(memory, 0, rate_limiter_bytes());
    limiter = rate_limiter_init(memory, &key);
}

static void end(void)
{
    free(limiter);
}

TestSuite(rate_limiter, .init = begin, .fini = end);

/* Returns how many of count datagrams at one moment are allowed. */
static uint32_t allowed(const struct rate_limiter_limits *limits, struct addr source,
                        uint32_t count, uint64_t now_ms)
{
    uint32_t allowed = 0;
    while (count-- > 0)
        allowed += rate_limiter_take(limiter, limits, &source, RATE_LIMITER_UNVERIFIED, now_ms);
    return allowed;
}

Test(rate_limiter, allows_a_new_source_a_full_burst_and_then_its_rate)
{
    struct rate_limiter_limits limits = rate_limiter_limits(10, 25);
    struct addr source = parsed("192.0.2.1");
    cr_assert_eq(allowed(&limits, source, 100, START_MS), 25);
    cr_assert_eq(allowed(&limits, source, 100, START_MS + 99), 0);
    cr_assert_eq(allowed(&limits, source, 100, START_MS + 100), 1);
    cr_assert_eq(allowed(&limits, source, 100, START_MS + 1100), 10);
    cr_assert_eq(allowed(&limits, source, 100, START_MS + 100000), 25);
}

Test(rate_limiter, has_separate_tokens_for_verified_sources)
{
    struct rate_limiter_limits limits = rate_limiter_limits(10, 25);
    struct addr source = parsed("192.0.2.1"), other = parsed("192.0.2.2");
    for (uint32_t ip = 0xc0000200; ip <= 0xc00002ff; ip++)
        allowed(&limits, ipv4(ip), 100, START_MS); /* uses up the tokens of the prefix, too */
    cr_assert_eq(allowed(&limits, source, 1, START_MS), 0);
    for (int i = 0; i < 25; i++)
        cr_assert(rate_limiter_take(limiter, &limits, &source, RATE_LIMITER_VERIFIED, START_MS));
    cr_assert_not(rate_limiter_take(limiter, &limits, &source, RATE_LIMITER_VERIFIED, START_MS));
    cr_assert(rate_limiter_take(limiter, &limits, &other, RATE_LIMITER_VERIFIED, START_MS));
}

Test(rate_limiter, allows_a_steady_rate_for_ever_and_no_more)
{
    struct rate_limiter_limits limits = rate_limiter_limits(1000, 10);
    struct addr source = parsed("2001:db8::1");
    uint32_t all = 0;
    for (uint64_t ms = 0; ms < 10000; ms++)
        all += allowed(&limits, source, 1, START_MS + ms);
    cr_assert_eq(all, 10000);
    all = 0;
    for (uint64_t ms = 10000; ms < 20000; ms++)
        all += allowed(&limits, source, 3, START_MS + ms);
    cr_assert(all >= 10000 && all <= 10010, "%u", all);
}

Test(rate_limiter, keeps_address_and_prefix_apart_by_family)
{
    struct rate_limiter_limits limits = rate_limiter_limits(1, 5);
    static const char *const same[][2] = {
        {"192.0.2.1:1", "192.0.2.1:2"},
        {"[2001:db8::1]:1", "[2001:db8::ffff:0:0:1]:2"}, /* one /64 */
    };
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(allowed(&limits, parsed(same[i][0]), 9, START_MS), 5);
        cr_assert_eq(allowed(&limits, parsed(same[i][1]), 9, START_MS), 0, "%s", same[i][1]);
    }
    cr_assert_eq(allowed(&limits, parsed("192.0.2.2"), 9, START_MS), 5);
    cr_assert_eq(allowed(&limits, parsed("2001:db8:0:1::1"), 9, START_MS), 5);
    cr_assert_eq(allowed(&limits, parsed("c000:201::"), 9, START_MS), 5, "an IPv6 of those bytes");
}

Test(rate_limiter, limits_a_prefix_whose_addresses_each_keep_their_rate)
{
    struct rate_limiter_limits limits = rate_limiter_limits(1, 10);
    uint32_t all = 0;
    for (uint32_t i = 0; i < 256; i++)
        all += allowed(&limits, ipv4(0x0a000000 + i), 10, START_MS);
    cr_assert_eq(all, 10 * RATE_LIMITER_ADDRESSES_PER_PREFIX);
    cr_assert_eq(allowed(&limits, ipv4(0x0a000100), 10, START_MS), 10, "the next /24");

    all = 0;
    for (uint32_t i = 0; i < 256; i++) {
        struct addr addr = parsed("2001:db8:7::1");
        addr.ip[7] = (uint8_t)i; /* a /64 each, of one /48 */
        all += allowed(&limits, addr, 10, START_MS);
    }
    cr_assert_eq(all, 10 * RATE_LIMITER_ADDRESSES_PER_PREFIX);
    cr_assert_eq(allowed(&limits, parsed("2001:db8:8::1"), 10, START_MS), 10, "the next /48");
}

Test(rate_limiter, takes_no_token_of_the_prefix_for_an_address_above_its_rate)
{
    struct rate_limiter_limits limits = rate_limiter_limits(1, 10);
    allowed(&limits, ipv4(0x0a000001), 100000, START_MS);
    for (uint32_t i = 2; i < 2 + RATE_LIMITER_ADDRESSES_PER_PREFIX - 1; i++)
        cr_assert_eq(allowed(&limits, ipv4(0x0a000000 + i), 10, START_MS), 10);
}

Test(rate_limiter, returns_the_token_when_the_prefix_refuses)
{
    struct rate_limiter_limits limits = rate_limiter_limits(1000, 10);
    for (uint32_t i = 0; i < RATE_LIMITER_ADDRESSES_PER_PREFIX; i++)
        allowed(&limits, ipv4(0x0a000000 + i), 10, START_MS);
    struct addr late = ipv4(0x0a0000ff);
    cr_assert_eq(allowed(&limits, late, 1000, START_MS), 0);
    /* 32 tokens a millisecond for the prefix: after ten, its whole burst is there. */
    cr_assert_eq(allowed(&limits, late, 1000, START_MS + 10), 10);
}

Test(rate_limiter, never_refuses_a_new_source_because_the_table_is_full)
{
    struct rate_limiter_limits limits = rate_limiter_limits(1, 3);
    struct prng prng;
    prng_init(&prng, 7);
    for (uint32_t i = 0; i < 4 * RATE_LIMITER_SETS * RATE_LIMITER_WAYS; i++) {
        /* The flood is from one /8, the new sources are from another, each from its own /24. */
        uint32_t ip = 0x0a000000 | (uint32_t)prng_next(&prng) >> 8;
        struct addr flooder = ipv4(ip);
        rate_limiter_take(limiter, &limits, &flooder, RATE_LIMITER_UNVERIFIED, START_MS);
        if (i % 64 == 0)
            cr_assert_eq(allowed(&limits, ipv4(0x30000000 + i * 4), 4, START_MS), 3, "after %u", i);
    }
}

Test(rate_limiter, replaces_the_emptiest_bucket_last)
{
    struct rate_limiter_limits limits = rate_limiter_limits(1, 1000);
    struct addr abuser = parsed("198.51.100.1");
    cr_assert_eq(allowed(&limits, abuser, 2000, START_MS), 1000);
    for (uint32_t i = 0; i < 8 * RATE_LIMITER_SETS * RATE_LIMITER_WAYS; i++) {
        struct addr flooder = ipv4(0x0a000000 + i);
        rate_limiter_take(limiter, &limits, &flooder, RATE_LIMITER_UNVERIFIED, START_MS);
    }
    cr_assert_eq(allowed(&limits, abuser, 2000, START_MS), 0, "a flood replaced its bucket");
}

Test(rate_limiter, treats_a_bucket_that_a_reload_made_smaller_as_empty)
{
    struct rate_limiter_limits wide = rate_limiter_limits(1, 1000),
                               narrow = rate_limiter_limits(1000, 10);
    struct addr source = parsed("198.51.100.1");
    cr_assert_eq(allowed(&wide, source, 2000, START_MS), 1000);
    cr_assert_eq(allowed(&narrow, source, 100, START_MS), 0);
    /* The bucket of the address is reduced by its first datagram, that of the prefix by the first
     * one that the address allows. */
    cr_assert_eq(allowed(&narrow, source, 100, START_MS + 10), 0);
    cr_assert_eq(allowed(&narrow, source, 100, START_MS + 20), 10);
}

Test(rate_limiter, limits_any_sender_to_burst_and_rate_in_any_order)
{
    struct prng prng;
    prng_init(&prng, 99);
    for (int round = 0; round < 200; round++) {
        uint32_t rate = 1 + (uint32_t)(prng_next(&prng) % 2000);
        uint32_t burst = 1 + (uint32_t)(prng_next(&prng) % 100);
        struct rate_limiter_limits limits = rate_limiter_limits(rate, burst);
        struct addr source = ipv4((uint32_t)prng_next(&prng));
        uint64_t now_ms = START_MS, all = 0;
        for (int i = 0; i < 200; i++) {
            now_ms += prng_next(&prng) % 20;
            all += allowed(&limits, source, (uint32_t)(prng_next(&prng) % 30), now_ms);
        }
        uint64_t most = burst + (now_ms - START_MS) * rate / 1000 + 1;
        cr_assert_leq(all, most, "rate %u, burst %u", rate, burst);
    }
}

/* ---- the hashes of a source ---- */

static const struct rate_bucket *bucket_of(uint64_t tag)
{
    const struct rate_bucket_set *blocks = (const void *)limiter;
    const struct rate_bucket *ways = blocks[rate_bucket_block_of(tag)].ways;
    for (int i = 0; i < RATE_LIMITER_WAYS; i++)
        if (ways[i].tag == tag)
            return &ways[i];
    return NULL;
}

Test(rate_limiter, has_the_hashes_of_the_buckets_that_a_source_takes_tokens_from)
{
    const struct rate_limiter_limits limits = rate_limiter_limits(1, 5);
    const char *const texts[] = {"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1"};
    const enum rate_limiter_sender senders[] = {RATE_LIMITER_UNVERIFIED, RATE_LIMITER_VERIFIED};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        for (size_t k = 0; k < 2; k++) {
            const struct addr source = parsed(texts[i]);
            const struct rate_limiter_hashes hashes =
                rate_limiter_hashes(limiter, &source, senders[k]);
            cr_assert_null(bucket_of(hashes.address));
            cr_assert_eq(bucket_of(hashes.prefix) != NULL, i % 2 == 1, "the prefix is the same");
            cr_assert(rate_limiter_take(limiter, &limits, &source, senders[k], START_MS));
            const uint64_t start_ns = START_MS * UINT64_C(1000000);
            cr_assert_eq(bucket_of(hashes.address)->full_ns - start_ns, limits.address.interval_ns);
            cr_assert_eq(bucket_of(hashes.prefix)->full_ns - start_ns,
                         (1 + i % 2) * limits.prefix.interval_ns);
        }
}

Test(rate_limiter, is_in_memory_that_it_was_made_in)
{
    void *memory = aligned_alloc(64, rate_limiter_bytes());
    memset(memory, 0, rate_limiter_bytes());
    cr_assert_not(rate_limiter_is_initialised(memory));
    rate_limiter_init(memory, &key);
    cr_assert(rate_limiter_is_initialised(memory));
    free(memory);
}
