/* The shard of a source: its function, how evenly it divides sources, and what it depends on. */
#include "address/source_shard.h"

#include "addr_fixture.h"
#include "base/prng.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>

enum { SHARDS_MAX = 256, KEYS = 20 };

static struct source_shard_key key_of(struct prng *prng)
{
    struct source_shard_key key;
    uint8_t random[SOURCE_SHARD_KEY_BYTES];
    for (size_t i = 0; i < sizeof random; i++)
        random[i] = (uint8_t)prng_next(prng);
    source_shard_key_init(&key, random);
    return key;
}

static struct source_shard_key key_number(uint64_t number)
{
    struct prng prng;
    prng_init(&prng, number);
    return key_of(&prng);
}

Test(source_shard, makes_a_key_of_random_bytes_with_odd_multipliers)
{
    struct source_shard_key key;
    source_shard_key_init(&key,
                          (const uint8_t *)"\x01\x02\x03\x04\x05\x06\x07\x08\xf0\xe0\xd0\xc0");
    cr_assert_eq(key.start, 0x01020304);
    cr_assert_eq(key.multipliers[0], 0x05060709);
    cr_assert_eq(key.multipliers[1], 0xf0e0d0c1);
}

/* Computed by the definition in the header, in a language with integers of any size. */
Test(source_shard, is_the_function_that_the_header_defines)
{
    const struct source_shard_key key = {0x01020304, {0x05060709, 0xf0e0d0c1}};
    static const struct {
        const char *source;
        uint32_t hash, of_four, of_seven;
    } expected[] = {
        {"0.0.0.0:0", 0x6efe3eb0, 0, 6},
        {"127.0.0.1:65535", 0x8bdb4ef0, 0, 2},
        {"198.51.100.7:3000", 0x8bbfa6f1, 1, 5},
        {"255.255.255.254:32768", 0x9433f789, 1, 3},
        {"[::]:0", 0x0d8ea8cf, 3, 0},
        {"[::1]:9", 0xc08bbf4d, 1, 2},
        {"[2001:db8:ffff::8000:1]:54321", 0x2064c099, 1, 5},
        {"[fe80::1]:1", 0x882b814f, 3, 5},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        struct addr source = address(expected[i].source);
        cr_assert_eq(source_shard(&key, &source, UINT32_MAX), expected[i].hash, "%s",
                     expected[i].source);
        cr_assert_eq(source_shard(&key, &source, 4), expected[i].of_four);
        cr_assert_eq(source_shard(&key, &source, 7), expected[i].of_seven);
    }
}

Test(source_shard, is_below_the_count)
{
    struct source_shard_key key = key_number(1);
    for (uint32_t count = 1; count <= SHARDS_MAX; count++)
        for (uint32_t i = 0; i < 1000; i++) {
            struct addr source = ipv4(0x0a000000 + i);
            cr_assert_lt(source_shard(&key, &source, count), count);
        }
}

Test(source_shard, does_not_depend_on_the_zone)
{
    struct source_shard_key key = key_number(1);
    struct addr one = address("[fe80::1%1]:9"), other = address("[fe80::1%2]:9");
    cr_assert_eq(source_shard(&key, &one, UINT32_MAX), source_shard(&key, &other, UINT32_MAX));
}

/* ---- how evenly it divides ---- */

enum pattern {
    PORTS_OF_ONE_ADDRESS,
    EVEN_PORTS,
    ONE_NETWORK, /* a /24, one port */
    PORTS_OF_ONE_NETWORK,
    ADDRESSES_256_APART,
    IPV6_NETWORK, /* sequential addresses of a /64 */
    RANDOM_IPV4,
    RANDOM_IPV6,
    PATTERNS,
};

static struct addr source_of(enum pattern pattern, uint32_t i, struct prng *prng)
{
    struct addr source = ipv4(0xc6336400); /* 198.51.100.0 */
    switch (pattern) {
    case PORTS_OF_ONE_ADDRESS:
        source.port = (uint16_t)(32768 + i);
        break;
    case EVEN_PORTS:
        source.port = (uint16_t)(32768 + 2 * i);
        break;
    case ONE_NETWORK:
        source = ipv4(0xc6336400 + i % 256);
        source.port = (uint16_t)(5000 + i / 256); /* a /24 has only 256 addresses */
        break;
    case PORTS_OF_ONE_NETWORK:
        source = ipv4(0xc6336400 + i / 64);
        source.port = (uint16_t)(40000 + i % 64);
        break;
    case ADDRESSES_256_APART:
        source = ipv4(0xc6000000 + 256 * i);
        break;
    case RANDOM_IPV4:
        source = ipv4((uint32_t)prng_next(prng));
        source.port = (uint16_t)prng_next(prng);
        break;
    default:
        source = parsed("2001:db8::");
        for (size_t k = 8; k < 16; k++)
            source.ip[k] =
                (uint8_t)(pattern == RANDOM_IPV6 ? prng_next(prng) : (uint64_t)i >> 8 * (15 - k));
    }
    return source;
}

/* The sum of (found - expected)^2 / expected over all shards. */
static double chi_square(enum pattern pattern, const struct source_shard_key *key, uint32_t count,
                         uint32_t sources, struct prng *prng)
{
    uint32_t found[SHARDS_MAX] = {0};
    double expected = (double)sources / count, sum = 0;
    for (uint32_t i = 0; i < sources; i++) {
        struct addr source = source_of(pattern, i, prng);
        found[source_shard(key, &source, count)]++;
    }
    for (uint32_t i = 0; i < count; i++)
        sum += (found[i] - expected) * (found[i] - expected) / expected;
    return sum;
}

/* Of random numbers chi-square has the mean count - 1; values are above that by more than the
 * factor here once in 10^5 (Wilson and Hilferty, with 4.3 standard deviations). The keys are fixed.
 */
Test(source_shard, divides_sources_like_random_numbers)
{
    static const struct {
        uint32_t count;
        double factor;
    } limits[] = {{2, 19.6}, {3, 11.6}, {4, 8.7}, {7, 5.8}, {16, 3.2}, {64, 1.9}, {256, 1.43}};
    struct prng prng;
    prng_init(&prng, 7);
    for (enum pattern pattern = 0; pattern < PATTERNS; pattern++)
        for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
            double df = limits[i].count - 1, sum = 0;
            for (uint64_t number = 1; number <= KEYS; number++) {
                struct source_shard_key key = key_number(number);
                double chi = chi_square(pattern, &key, limits[i].count, 4096, &prng);
                cr_assert_lt(chi, limits[i].factor * df, "pattern %d, %" PRIu32 " shards, key %d",
                             (int)pattern, limits[i].count, (int)number);
                sum += chi;
            }
            /* The mean of 20 has a standard deviation of sqrt(2 / df / 20) of it. */
            cr_assert_lt(sum / KEYS, df + 4 * df * 0.32, "pattern %d, %" PRIu32 " shards",
                         (int)pattern, limits[i].count);
        }
}

/* The 256 sources of a /24 with one port: fewer than 64 for each of 16 shards, where 16 are
 * expected with a standard deviation of 3.9. */
Test(source_shard, divides_one_small_network)
{
    for (uint64_t number = 1; number <= 1000; number++) {
        struct source_shard_key key = key_number(number);
        uint32_t found[16] = {0};
        for (uint32_t i = 0; i < 256; i++) {
            struct addr source = ipv4(0xc6336400 + i);
            cr_assert_lt(++found[source_shard(&key, &source, 16)], 48, "key %d", (int)number);
        }
    }
}

/* ---- that nobody can choose it without the key ---- */

static void flip(struct addr *source, size_t bit)
{
    if (bit < 16)
        source->port ^= (uint16_t)(1 << bit);
    else
        source->ip[bit / 8 - 2] ^= (uint8_t)(0x80 >> bit % 8);
}

/* Two sources that differ in one bit, or in that and another one, share a shard of two under about
 * half of the keys: 1,000 keys, with a standard deviation of 1.6 %. */
static void expect_even_chances(const char *text, size_t bits)
{
    enum { TRIES = 1000 };
    struct addr source = address(text);
    static struct source_shard_key keys[TRIES];
    for (size_t i = 0; i < TRIES; i++)
        keys[i] = key_number(i + 1);
    for (size_t a = 0; a < bits; a++)
        for (size_t b = a; b < bits; b++) {
            struct addr other = source;
            int shared = 0;
            flip(&other, a);
            if (b > a)
                flip(&other, b);
            for (size_t i = 0; i < TRIES; i++)
                shared += source_shard(&keys[i], &source, 2) == source_shard(&keys[i], &other, 2);
            cr_assert(shared > TRIES * 2 / 5 && shared < TRIES * 3 / 5,
                      "%s: bits %zu and %zu share the shard under %d of %d keys", text, a, b,
                      shared, (int)TRIES);
        }
}

Test(source_shard, of_two_sources_is_the_same_by_chance_whatever_bits_differ)
{
    expect_even_chances("198.51.100.7:9", 16 + 32);
}

Test(source_shard, of_two_ipv6_sources_is_the_same_by_chance_whatever_bits_differ)
{
    expect_even_chances("[2001:db8:1:2:3:4:5:6]:9", 16 + 128);
}

Test(source_shard, depends_on_each_bit_of_the_key)
{
    struct addr source = address("198.51.100.7:9");
    uint8_t random[SOURCE_SHARD_KEY_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    struct source_shard_key key;
    source_shard_key_init(&key, random);
    uint32_t hash = source_shard(&key, &source, UINT32_MAX);
    for (size_t bit = 0; bit < 8 * sizeof random; bit++) {
        random[bit / 8] ^= (uint8_t)(1 << bit % 8);
        source_shard_key_init(&key, random);
        bool is_unused = bit == 8 * 7 || bit == 8 * 11; /* the multipliers are odd anyway */
        cr_assert_eq(source_shard(&key, &source, UINT32_MAX) == hash, is_unused, "bit %zu", bit);
        random[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}
