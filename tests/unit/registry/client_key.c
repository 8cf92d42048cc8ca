/* The client key: packing, comparison and hash. */
#include "registry/client_key.h"

#include "addr_fixture.h"

#include <criterion/criterion.h>

#include <string.h>

static const struct siphash_key secret = {
    .k0 = UINT64_C(0x0706050403020100),
    .k1 = UINT64_C(0x0f0e0d0c0b0a0908),
};

Test(client_key, returns_the_listener_and_the_source)
{
    static const char *const texts[] = {
        "0.0.0.0:1",           "10.1.2.3:4000",    "255.255.255.255:65535", "[::]:1",
        "[2001:db8::5]:65535", "[fe80::1%7]:4000", "[fe80::1%4294967295]:1"};
    static const uint8_t listeners[] = {0, 1, 255};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        for (size_t k = 0; k < 3; k++) {
            const struct addr source = address(texts[i]);
            const struct client_key key = client_key_of(listeners[k], &source);
            const struct addr back = client_key_source(&key);
            cr_assert(addr_equal(&back, &source), "%s", texts[i]);
            cr_assert_eq(client_key_listener(&key), listeners[k], "%s", texts[i]);
            cr_assert_eq(client_key_is_ipv4(&key), source.family == ADDR_IPV4, "%s", texts[i]);
        }
    }
}

Test(client_key, equals_only_itself)
{
    const struct addr sources[] = {address("10.0.0.1:4000"),      address("10.0.0.1:4001"),
                                   address("10.0.0.2:4000"),      address("[2001:db8::1]:4000"),
                                   address("[2001:db8::2]:4000"), address("[2001:db9::1]:4000"),
                                   address("[fe80::1%1]:4000"),   address("[fe80::1%2]:4000")};
    enum { COUNT = sizeof sources / sizeof sources[0] };
    for (size_t i = 0; i < 2 * COUNT; i++) {
        for (size_t k = 0; k < 2 * COUNT; k++) {
            const struct client_key a = client_key_of((uint8_t)(i / COUNT), &sources[i % COUNT]);
            const struct client_key b = client_key_of((uint8_t)(k / COUNT), &sources[k % COUNT]);
            cr_assert_eq(client_key_equal(&a, &b), i == k, "%zu and %zu", i, k);
        }
    }
}

Test(client_key, of_ipv4_is_compared_and_hashed_by_its_head_only)
{
    const struct addr source = address("10.0.0.1:4000");
    const struct client_key key = client_key_of(3, &source);
    struct client_key noise = key;
    noise.ip6_first = noise.ip6_last = UINT64_MAX;
    cr_assert(client_key_equal(&key, &noise) && client_key_equal(&noise, &key));
    cr_assert_eq(client_key_hash(siphash_begin(&secret), &key),
                 client_key_hash(siphash_begin(&secret), &noise));
    cr_assert_eq(client_key_bytes(&key), sizeof key.head);
}

static void expect_hash_of_bytes(const struct client_key *key, size_t size)
{
    const uint64_t words[] = {htole64(key->head), htole64(key->ip6_first), htole64(key->ip6_last)};
    cr_assert_eq(client_key_hash(siphash_begin(&secret), key), siphash13(&secret, words, size));
}

/* SipHash's last block contains the last bytes of the input and, in its top byte, the length. So a
 * key whose last word has that form must have the hash of the bytes before. */
Test(client_key, has_the_hash_of_siphash)
{
    const struct addr ipv4 = address("10.20.30.7:4000"), /* 7 bytes */
        ipv6 = address("[2001:db8::abcd:1717]:4000");    /* 23 = 0x17 bytes */
    const struct client_key short_key = client_key_of(5, &ipv4), long_key = client_key_of(5, &ipv6);
    cr_assert_eq(short_key.head >> 56, 7);
    cr_assert_eq(long_key.ip6_last >> 56, 23);
    expect_hash_of_bytes(&short_key, 7);
    expect_hash_of_bytes(&long_key, 23);
    cr_assert_eq(client_key_bytes(&long_key), sizeof long_key);
}
