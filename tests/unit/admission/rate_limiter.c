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

/* How many of count datagrams at one moment pass. */
static uint32_t passed(const struct rate_limiter_limits *limits, struct addr source, uint32_t count,
                       uint64_t now_ms)
{
    uint32_t passed = 0;
    while (count-- > 0)
        passed += rate_limiter_take(limiter, limits, &source, RATE_LIMITER_UNVERIFIED, now_ms);
    return passed;
}

Test(rate_limiter, gives_a_newcomer_a_full_burst_and_then_its_rate)
{
    struct rate_limiter_limits limits = rate_limiter_limits(10, 25);
    struct addr source = parsed("192.0.2.1");
    cr_assert_eq(passed(&limits, source, 100, START_MS), 25);
    cr_assert_eq(passed(&limits, source, 100, START_MS + 99), 0);
    cr_assert_eq(passed(&limits, source, 100, START_MS + 100), 1);
    cr_assert_eq(passed(&limits, source, 100, START_MS + 1100), 10);
    cr_assert_eq(passed(&limits, source, 100, START_MS + 100000), 25);
}

Test(rate_limiter, has_tokens_of_its_own_for_who_has_proven_the_address)
{
    struct rate_limiter_limits limits = rate_limiter_limits(10, 25);
    struct addr source = parsed("192.0.2.1"), other = parsed("192.0.2.2");
    for (uint32_t ip = 0xc0000200; ip <= 0xc00002ff; ip++)
        passed(&limits, ipv4(ip), 100, START_MS); /* the prefix's are gone, too */
    cr_assert_eq(passed(&limits, source, 1, START_MS), 0);
    for (int i = 0; i < 25; i++)
        cr_assert(rate_limiter_take(limiter, &limits, &source, RATE_LIMITER_VERIFIED, START_MS));
    cr_assert_not(rate_limiter_take(limiter, &limits, &source, RATE_LIMITER_VERIFIED, START_MS));
    cr_assert(rate_limiter_take(limiter, &limits, &other, RATE_LIMITER_VERIFIED, START_MS));
}

Test(rate_limiter, lets_a_steady_rate_pass_for_good_and_no_more_than_that)
{
    struct rate_limiter_limits limits = rate_limiter_limits(1000, 10);
    struct addr source = parsed("2001:db8::1");
    uint32_t all = 0;
    for (uint64_t ms = 0; ms < 10000; ms++)
        all += passed(&limits, source, 1, START_MS + ms);
    cr_assert_eq(all, 10000);
    all = 0;
    for (uint64_t ms = 10000; ms < 20000; ms++)
        all += passed(&limits, source, 3, START_MS + ms);
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
        cr_assert_eq(passed(&limits, parsed(same[i][0]), 9, START_MS), 5);
        cr_assert_eq(passed(&limits, parsed(same[i][1]), 9, START_MS), 0, "%s", same[i][1]);
    }
    cr_assert_eq(passed(&limits, parsed("192.0.2.2"), 9, START_MS), 5);
    cr_assert_eq(passed(&limits, parsed("2001:db8:0:1::1"), 9, START_MS), 5);
    cr_assert_eq(passed(&limits, parsed("c000:201::"), 9, START_MS), 5, "an IPv6 of those bytes");
}

Test(rate_limiter, stops_a_prefix_whose_addresses_each_keep_to_their_rate)
{
    struct rate_limiter_limits limits = rate_limiter_limits(1, 10);
    uint32_t all = 0;
    for (uint32_t i = 0; i < 256; i++)
        all += passed(&limits, ipv4(0x0a000000 + i), 10, START_MS);
    cr_assert_eq(all, 10 * RATE_LIMITER_ADDRESSES_A_PREFIX);
    cr_assert_eq(passed(&limits, ipv4(0x0a000100), 10, START_MS), 10, "the next /24");

    all = 0;
    for (uint32_t i = 0; i < 256; i++) {
        struct addr addr = parsed("2001:db8:7::1");
        addr.ip[7] = (uint8_t)i; /* a /64 each, of one /48 */
        all += passed(&limits, addr, 10, START_MS);
    }
    cr_assert_eq(all, 10 * RATE_LIMITER_ADDRESSES_A_PREFIX);
    cr_assert_eq(passed(&limits, parsed("2001:db8:8::1"), 10, START_MS), 10, "the next /48");
}

Test(rate_limiter, charges_nothing_to_the_prefix_for_an_address_that_is_over_its_rate)
{
    struct rate_limiter_limits limits = rate_limiter_limits(1, 10);
    passed(&limits, ipv4(0x0a000001), 100000, START_MS);
    for (uint32_t i = 2; i < 2 + RATE_LIMITER_ADDRESSES_A_PREFIX - 1; i++)
        cr_assert_eq(passed(&limits, ipv4(0x0a000000 + i), 10, START_MS), 10);
}

Test(rate_limiter, gives_the_token_back_when_the_prefix_refuses)
{
    struct rate_limiter_limits limits = rate_limiter_limits(1000, 10);
    for (uint32_t i = 0; i < RATE_LIMITER_ADDRESSES_A_PREFIX; i++)
        passed(&limits, ipv4(0x0a000000 + i), 10, START_MS);
    struct addr late = ipv4(0x0a0000ff);
    cr_assert_eq(passed(&limits, late, 1000, START_MS), 0);
    /* 32 tokens a millisecond for the prefix: after ten, its whole burst is there. */
    cr_assert_eq(passed(&limits, late, 1000, START_MS + 10), 10);
}

Test(rate_limiter, never_refuses_a_newcomer_because_strangers_filled_it)
{
    struct rate_limiter_limits limits = rate_limiter_limits(1, 3);
    struct prng prng;
    prng_init(&prng, 7);
    for (uint32_t i = 0; i < 4 * RATE_LIMITER_SETS * RATE_LIMITER_WAYS; i++) {
        /* The strangers' /8; the newcomers come from elsewhere, each from a /24 of its own. */
        uint32_t ip = 0x0a000000 | (uint32_t)prng_next(&prng) >> 8;
        struct addr stranger = ipv4(ip);
        rate_limiter_take(limiter, &limits, &stranger, RATE_LIMITER_UNVERIFIED, START_MS);
        if (i % 64 == 0)
            cr_assert_eq(passed(&limits, ipv4(0x30000000 + i * 4), 4, START_MS), 3, "after %u", i);
    }
}

Test(rate_limiter, forgets_the_busiest_last)
{
    struct rate_limiter_limits limits = rate_limiter_limits(1, 1000);
    struct addr abuser = parsed("198.51.100.1");
    cr_assert_eq(passed(&limits, abuser, 2000, START_MS), 1000);
    for (uint32_t i = 0; i < 8 * RATE_LIMITER_SETS * RATE_LIMITER_WAYS; i++) {
        struct addr stranger = ipv4(0x0a000000 + i);
        rate_limiter_take(limiter, &limits, &stranger, RATE_LIMITER_UNVERIFIED, START_MS);
    }
    cr_assert_eq(passed(&limits, abuser, 2000, START_MS), 0, "a flood set it free");
}

Test(rate_limiter, takes_a_bucket_that_a_reload_made_smaller_for_empty_and_no_emptier)
{
    struct rate_limiter_limits wide = rate_limiter_limits(1, 1000),
                               narrow = rate_limiter_limits(1000, 10);
    struct addr source = parsed("198.51.100.1");
    cr_assert_eq(passed(&wide, source, 2000, START_MS), 1000);
    cr_assert_eq(passed(&narrow, source, 100, START_MS), 0);
    /* The address is seen to be so at its first datagram, the prefix at the first that the address
     * lets pass. */
    cr_assert_eq(passed(&narrow, source, 100, START_MS + 10), 0);
    cr_assert_eq(passed(&narrow, source, 100, START_MS + 20), 10);
}

Test(rate_limiter, keeps_any_sender_to_burst_and_rate_whatever_the_order)
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
            all += passed(&limits, source, (uint32_t)(prng_next(&prng) % 30), now_ms);
        }
        uint64_t most = burst + (now_ms - START_MS) * rate / 1000 + 1;
        cr_assert_leq(all, most, "rate %u, burst %u", rate, burst);
    }
}
