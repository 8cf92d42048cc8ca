#include "admission/cookie.h"

#include <endian.h>
#include <string.h>

enum {
    IPV4_BYTES = 4 + 2 + 1,      /* the input of the hash: address, port, listener; one word */
    IPV6_BYTES = 16 + 4 + 2 + 1, /* address, scope, port, listener; three words */
};

static void make(const struct cookie_secret *secret, uint8_t listener, const struct addr *source,
                 uint8_t cookie[COOKIE_BYTES])
{
    struct siphash_state state = secret->begin;
    uint64_t size = IPV4_BYTES;
    uint32_t first;
    if (source->family == ADDR_IPV4) {
        memcpy(&first, source->ip, sizeof first);
        first = le32toh(first);
    } else {
        siphash_mac_absorb(&state, siphash_word(source->ip, 8));
        siphash_mac_absorb(&state, siphash_word(source->ip + 8, 8));
        first = source->scope;
        size = IPV6_BYTES;
    }
    siphash_mac_absorb(&state, first | (uint64_t)source->port << 32 | (uint64_t)listener << 48 |
                                   size << 56);
    siphash_mac_finish(&state, cookie);
}

struct cookie_secrets cookie_secrets_new(const struct siphash_key *key, uint64_t now_ms)
{
    return (struct cookie_secrets){
        .current = {.begin = siphash_mac_begin(key), .from_ms = now_ms},
        .previous = {.from_ms = UINT64_MAX},
    };
}

struct siphash_key cookie_secrets_derive_key(const struct cookie_secrets *secrets)
{
    struct siphash_state state = secrets->current.begin;
    uint8_t bytes[COOKIE_BYTES];
    struct siphash_key key;
    /* The message of no bytes, which no cookie has: its last word is 0, its length. */
    siphash_mac_absorb(&state, 0);
    siphash_mac_finish(&state, bytes);
    memcpy(&key, bytes, sizeof key);
    return key;
}

void cookie_secrets_rotate(struct cookie_secrets *secrets, const struct siphash_key *key,
                           uint64_t now_ms)
{
    secrets->previous = secrets->current;
    secrets->current = (struct cookie_secret){.begin = siphash_mac_begin(key), .from_ms = now_ms};
}

void cookie_make(const struct cookie_secrets *secrets, uint8_t listener, const struct addr *source,
                 uint8_t cookie[COOKIE_BYTES])
{
    make(&secrets->current, listener, source, cookie);
}

/* Whether the cookies of a secret are still accepted, 1 or 0. No cookie is older than its secret.
 * The duration of this comparison reveals only times, which are not secret. */
static unsigned is_alive(const struct cookie_secret *secret, uint64_t now_ms)
{
    return secret->from_ms != UINT64_MAX &&
           (now_ms < secret->from_ms || now_ms - secret->from_ms < 2 * COOKIE_ROTATION_MS);
}

/* 1 or 0. It always compares all bits: see cookie_is_valid. */
static unsigned equal(const uint8_t a[COOKIE_BYTES], const uint8_t b[COOKIE_BYTES])
{
    uint64_t words_a[2], words_b[2];
    memcpy(words_a, a, sizeof words_a);
    memcpy(words_b, b, sizeof words_b);
    return ((words_a[0] ^ words_b[0]) | (words_a[1] ^ words_b[1])) == 0;
}

bool cookie_is_valid(const struct cookie_secrets *secrets, uint8_t listener,
                     const struct addr *source, const uint8_t cookie[COOKIE_BYTES], uint64_t now_ms)
{
    uint8_t current[COOKIE_BYTES], previous[COOKIE_BYTES];
    make(&secrets->current, listener, source, current);
    make(&secrets->previous, listener, source, previous);
    unsigned is_current = equal(cookie, current) & is_alive(&secrets->current, now_ms);
    unsigned is_previous = equal(cookie, previous) & is_alive(&secrets->previous, now_ms);
    return (is_current | is_previous) != 0;
}
