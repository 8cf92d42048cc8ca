/* Tests of admission/cookie: what a cookie is valid for, and for how long. */
#include "admission/cookie.h"

#include "base/prng.h"

#include <criterion/criterion.h>

#include <string.h>

enum { START_MS = 1000000 };

static struct prng prng;

static struct siphash_key new_key(void)
{
    return (struct siphash_key){prng_next(&prng), prng_next(&prng)};
}

static struct cookie_secrets new_secrets(void)
{
    struct siphash_key key = new_key();
    return cookie_secrets_new(&key, START_MS);
}

static void rotate(struct cookie_secrets *secrets, uint64_t now_ms)
{
    struct siphash_key key = new_key();
    cookie_secrets_rotate(secrets, &key, now_ms);
}

static struct addr new_source(void)
{
    struct addr source = {.port = (uint16_t)prng_next(&prng)};
    source.family = prng_next(&prng) % 2 == 0 ? ADDR_IPV4 : ADDR_IPV6;
    for (int i = 0; i < (source.family == ADDR_IPV4 ? 4 : 16); i++)
        source.ip[i] = (uint8_t)prng_next(&prng);
    if (source.family == ADDR_IPV6 && prng_next(&prng) % 2 == 0)
        source.scope = (uint32_t)prng_next(&prng);
    return source;
}

static void begin(void)
{
    prng_init(&prng, 20);
}

TestSuite(cookie, .init = begin);

Test(cookie, is_valid_for_its_source_and_listener)
{
    struct cookie_secrets secrets = new_secrets();
    for (int i = 0; i < 10000; i++) {
        struct addr source = new_source();
        uint8_t listener = (uint8_t)prng_next(&prng), cookie[COOKIE_BYTES];
        cookie_make(&secrets, listener, &source, cookie);
        cr_assert(cookie_is_valid(&secrets, listener, &source, cookie, START_MS));
    }
}

Test(cookie, is_refused_with_any_bit_flipped)
{
    struct cookie_secrets secrets = new_secrets();
    rotate(&secrets, START_MS + COOKIE_ROTATION_MS);
    for (int i = 0; i < 100; i++) {
        struct addr source = new_source();
        uint8_t cookie[COOKIE_BYTES];
        cookie_make(&secrets, 3, &source, cookie);
        for (unsigned bit = 0; bit < 8 * COOKIE_BYTES; bit++) {
            cookie[bit / 8] ^= (uint8_t)(1 << bit % 8);
            cr_assert_not(
                cookie_is_valid(&secrets, 3, &source, cookie, START_MS + COOKIE_ROTATION_MS),
                "bit %u", bit);
            cookie[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

/* Flips bit i of the inputs of a cookie. */
static void flip(struct addr *source, uint8_t *listener, unsigned i)
{
    if (i < 128)
        source->ip[i / 8] ^= (uint8_t)(1 << i % 8);
    else if (i < 144)
        source->port ^= (uint16_t)(1 << (i - 128));
    else if (i < 176)
        source->scope ^= UINT32_C(1) << (i - 144);
    else
        *listener ^= (uint8_t)(1 << (i - 176));
}

Test(cookie, differs_with_every_bit_of_address_port_scope_and_listener)
{
    struct cookie_secrets secrets = new_secrets();
    for (int round = 0; round < 100; round++) {
        struct addr source = new_source(), other;
        uint8_t listener = 7, cookie[COOKIE_BYTES], another[COOKIE_BYTES];
        cookie_make(&secrets, listener, &source, cookie);
        for (unsigned i = 0; i < 184; i++) {
            bool of_ipv6 = (i >= 32 && i < 128) || (i >= 144 && i < 176);
            if (of_ipv6 && source.family == ADDR_IPV4)
                continue;
            other = source;
            uint8_t there = listener;
            flip(&other, &there, i);
            cookie_make(&secrets, there, &other, another);
            cr_assert_arr_neq(cookie, another, COOKIE_BYTES, "bit %u", i);
            cr_assert_not(cookie_is_valid(&secrets, there, &other, cookie, START_MS), "bit %u", i);
        }
        other = source;
        other.family = other.family == ADDR_IPV4 ? ADDR_IPV6 : ADDR_IPV4;
        if (other.family == ADDR_IPV4)
            memset(other.ip + 4, 0, 12);
        cr_assert_not(cookie_is_valid(&secrets, listener, &other, cookie, START_MS));
    }
}

Test(cookie, is_the_mac_of_its_inputs)
{
    struct siphash_key key = new_key();
    struct cookie_secrets secrets = cookie_secrets_new(&key, START_MS);
    struct addr ipv4 = {.ip = {192, 0, 2, 1}, .port = 0x1234, .family = ADDR_IPV4};
    struct addr ipv6 = {.ip = {0xfe, 0x80, [15] = 9}, .port = 0x1234, .family = ADDR_IPV6};
    uint8_t cookie[COOKIE_BYTES], mac[16], inputs[23];
    memcpy(inputs, ipv4.ip, 4);
    memcpy(inputs + 4, "\x34\x12\x05", 3);
    siphash_mac(&key, inputs, 7, mac);
    cookie_make(&secrets, 5, &ipv4, cookie);
    cr_assert_arr_eq(cookie, mac, sizeof mac);
    ipv6.scope = 0x01020304;
    memcpy(inputs, ipv6.ip, 16);
    memcpy(inputs + 16, "\x04\x03\x02\x01\x34\x12\x05", 7);
    siphash_mac(&key, inputs, 23, mac);
    cookie_make(&secrets, 5, &ipv6, cookie);
    cr_assert_arr_eq(cookie, mac, sizeof mac);
}

Test(cookie, of_a_derived_secret_differs_and_the_old_one_stays_valid_for_a_rotation)
{
    struct cookie_secrets secrets = new_secrets(), others = new_secrets();
    struct addr source = new_source();
    uint8_t old[COOKIE_BYTES], new[COOKIE_BYTES];
    cookie_make(&secrets, 3, &source, old);
    for (int i = 0; i < 3; i++) {
        uint64_t now_ms = START_MS + (uint64_t)(i + 1) * COOKIE_ROTATION_MS;
        struct siphash_key key = cookie_secrets_derive_key(&secrets);
        struct siphash_key other = cookie_secrets_derive_key(&others);
        cr_assert_arr_neq(&key, &other, sizeof key);
        cookie_secrets_rotate(&secrets, &key, now_ms);
        cookie_make(&secrets, 3, &source, new);
        cr_assert_arr_neq(new, old, sizeof new);
        cr_assert(cookie_is_valid(&secrets, 3, &source, new, now_ms));
        cr_assert(cookie_is_valid(&secrets, 3, &source, old, now_ms));
        memcpy(old, new, sizeof old);
    }
}

Test(cookie, derived_secret_is_the_mac_of_no_bytes)
{
    struct siphash_key key = new_key();
    struct cookie_secrets secrets = cookie_secrets_new(&key, START_MS);
    struct siphash_key derived = cookie_secrets_derive_key(&secrets);
    uint8_t expected[16];
    siphash_mac(&key, "", 0, expected);
    cr_assert_arr_eq(&derived, expected, sizeof expected);
}

Test(cookie, is_different_after_each_rotation)
{
    struct cookie_secrets secrets = new_secrets();
    struct addr source = new_source();
    uint8_t made[20][COOKIE_BYTES];
    for (unsigned i = 0; i < 20; i++) {
        cookie_make(&secrets, 0, &source, made[i]);
        for (unsigned k = 0; k < i; k++)
            cr_assert_arr_neq(made[i], made[k], COOKIE_BYTES);
        rotate(&secrets, START_MS + (i + 1) * COOKIE_ROTATION_MS);
    }
}

Test(cookie, is_valid_after_one_rotation_and_not_after_two)
{
    struct cookie_secrets secrets = new_secrets();
    struct addr source = new_source();
    uint8_t cookie[COOKIE_BYTES];
    cookie_make(&secrets, 0, &source, cookie);
    rotate(&secrets, START_MS + COOKIE_ROTATION_MS);
    cr_assert(cookie_is_valid(&secrets, 0, &source, cookie, START_MS + COOKIE_ROTATION_MS));
    rotate(&secrets, START_MS + 2 * COOKIE_ROTATION_MS);
    cr_assert_not(cookie_is_valid(&secrets, 0, &source, cookie, START_MS + 2 * COOKIE_ROTATION_MS));
    /* Because of the rotation, not of its age: it is refused even at the time when it was made. */
    cr_assert_not(cookie_is_valid(&secrets, 0, &source, cookie, START_MS));
}

Test(cookie, is_valid_for_one_to_two_minutes_whenever_it_was_made)
{
    struct cookie_secrets secrets = new_secrets();
    struct addr source = new_source();
    struct {
        uint64_t made_ms;
        uint8_t cookie[COOKIE_BYTES];
    } made[400];
    for (unsigned i = 0; i < 400; i++) {
        uint64_t now_ms = START_MS + i * 1000;
        if (i > 0 && i % 60 == 0)
            rotate(&secrets, now_ms);
        made[i].made_ms = now_ms;
        cookie_make(&secrets, 0, &source, made[i].cookie);
        for (unsigned k = 0; k <= i; k++) {
            uint64_t age_ms = now_ms - made[k].made_ms;
            bool valid = cookie_is_valid(&secrets, 0, &source, made[k].cookie, now_ms);
            if (age_ms < COOKIE_ROTATION_MS)
                cr_assert(valid, "expired after %u s", i - k);
            if (age_ms >= 2 * COOKIE_ROTATION_MS)
                cr_assert_not(valid, "valid after %u s", i - k);
        }
    }
}

Test(cookie, expires_after_two_minutes_also_without_rotation)
{
    struct cookie_secrets secrets = new_secrets();
    struct addr source = new_source();
    uint8_t cookie[COOKIE_BYTES];
    cookie_make(&secrets, 0, &source, cookie);
    cr_assert(cookie_is_valid(&secrets, 0, &source, cookie, START_MS + 2 * COOKIE_ROTATION_MS - 1));
    cr_assert_not(cookie_is_valid(&secrets, 0, &source, cookie, START_MS + 2 * COOKIE_ROTATION_MS));
}

Test(cookie, of_the_empty_previous_secret_is_refused)
{
    struct cookie_secrets secrets = new_secrets(), nothing = secrets;
    struct addr source = new_source();
    uint8_t cookie[COOKIE_BYTES];
    nothing.current = nothing.previous; /* anyone can compute cookies of a key of zeros */
    cookie_make(&nothing, 0, &source, cookie);
    cr_assert_not(cookie_is_valid(&secrets, 0, &source, cookie, START_MS));
}
