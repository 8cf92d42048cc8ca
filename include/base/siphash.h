#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* SipHash, a hash with a secret key (Aumasson and Bernstein, "SipHash: a fast short-input PRF",
 * 2012), in two variants.
 *
 * siphash13 is SipHash-1-3 with 64 bits of output, for hash tables: the index of the registry, the
 * table of the rate limiter, the counts of prefixes. Senders choose their addresses, so with a hash
 * without a key an attacker could use addresses that all collide, and each search would walk over
 * all of them. The key is random at each start, so collisions cannot be predicted.
 *
 * Measured alternatives, for the hash of one word (docs/performance.md, "Alternatives in single
 * modules"; a request and its reply cost the server about 4,000 ns):
 *   - SipHash-1-3, as here: 4.7 ns;
 *   - SipHash-2-4: 7.5 ns. Its further rounds protect outputs that an attacker can see, and those
 *     of a table cannot be seen. Rust and Python use SipHash-1-3 for their tables, too;
 *   - FNV-1a, which has no key: 4.5 ns. Rejected for the collisions above; it saves 0.2 ns.
 *
 * siphash_mac is SipHash-2-4 with 128 bits of output, for cookies: a message authentication code
 * that is sent to unverified sources. The paper proposes these rounds as the conservative choice;
 * the output of 16 bytes is that of its authors' reference code.
 *
 * Both take words as well as bytes and are inline: for each datagram the server hashes an address,
 * which is one or two words, without a loop. */

/* A secret of 128 random bits. */
struct siphash_key {
    uint64_t k0, k1;
};

struct siphash_state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t siphash_rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void siphash_round(struct siphash_state *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = siphash_rotate(s->v1, 13) ^ s->v0;
    s->v3 = siphash_rotate(s->v3, 16) ^ s->v2;
    s->v0 = siphash_rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = siphash_rotate(s->v1, 17) ^ s->v2;
    s->v3 = siphash_rotate(s->v3, 21) ^ s->v0;
    s->v2 = siphash_rotate(s->v2, 32);
}

static inline void siphash_absorb(struct siphash_state *s, uint64_t word)
{
    s->v3 ^= word;
    siphash_round(s);
    s->v0 ^= word;
}

/* Up to 8 bytes as a word, little-endian as in the paper. The bits above the last byte are 0, so
 * the caller can use them for the length. */
static inline uint64_t siphash_word(const unsigned char *bytes, size_t size)
{
    uint64_t word = 0;
    memcpy(&word, bytes, size);
    return le64toh(word);
}

/* The initial state of a key. A caller that hashes often keeps it, which saves computing it anew.
 */
static inline struct siphash_state siphash_begin(const struct siphash_key *key)
{
    return (struct siphash_state){
        key->k0 ^ UINT64_C(0x736f6d6570736575),
        key->k1 ^ UINT64_C(0x646f72616e646f6d),
        key->k0 ^ UINT64_C(0x6c7967656e657261),
        key->k1 ^ UINT64_C(0x7465646279746573),
    };
}

static inline uint64_t siphash_finish(struct siphash_state *s)
{
    s->v2 ^= 0xff;
    siphash_round(s);
    siphash_round(s);
    siphash_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* SipHash-1-3 of size bytes, for a hash table. Do not send the result. */
static inline uint64_t siphash13(const struct siphash_key *key, const void *bytes, size_t size)
{
    struct siphash_state s = siphash_begin(key);
    const unsigned char *next = bytes;
    size_t left = size;
    for (; left >= 8; left -= 8, next += 8)
        siphash_absorb(&s, siphash_word(next, 8));
    siphash_absorb(&s, (uint64_t)size << 56 | (left > 0 ? siphash_word(next, left) : 0));
    return siphash_finish(&s);
}

/* SipHash-2-4 with 128 bits of output, in three steps: the initial state of a key; each word of the
 * message, the last one with the length in its highest byte; the result. */
static inline struct siphash_state siphash_mac_begin(const struct siphash_key *key)
{
    struct siphash_state s = siphash_begin(key);
    s.v1 ^= 0xee;
    return s;
}

static inline void siphash_mac_absorb(struct siphash_state *s, uint64_t word)
{
    s->v3 ^= word;
    siphash_round(s);
    siphash_round(s);
    s->v0 ^= word;
}

static inline uint64_t siphash_mac_half(struct siphash_state *s)
{
    siphash_round(s);
    siphash_round(s);
    siphash_round(s);
    siphash_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

static inline void siphash_mac_finish(struct siphash_state *s, uint8_t out[16])
{
    s->v2 ^= 0xee;
    uint64_t word = htole64(siphash_mac_half(s));
    memcpy(out, &word, sizeof word);
    s->v1 ^= 0xdd;
    word = htole64(siphash_mac_half(s));
    memcpy(out + sizeof word, &word, sizeof word);
}

/* The same for a message of size bytes, in one call. */
static inline void siphash_mac(const struct siphash_key *key, const void *bytes, size_t size,
                               uint8_t out[16])
{
    struct siphash_state s = siphash_mac_begin(key);
    const unsigned char *next = bytes;
    size_t left = size;
    for (; left >= 8; left -= 8, next += 8)
        siphash_mac_absorb(&s, siphash_word(next, 8));
    siphash_mac_absorb(&s, (uint64_t)size << 56 | (left > 0 ? siphash_word(next, left) : 0));
    siphash_mac_finish(&s, out);
}

#endif
