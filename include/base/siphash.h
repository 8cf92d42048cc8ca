#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A secret of 128 bits; without it nobody can choose sources that collide in a table. */
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

/* At most 8 bytes as a word, little-endian as in the paper, so that what stands above the last of
 * them is free: for the length, say. */
static inline uint64_t siphash_word(const unsigned char *bytes, size_t size)
{
    uint64_t word = 0;
    memcpy(&word, bytes, size);
    return le64toh(word);
}

/* The state that a key begins with. Who hashes much keeps it, and saves half a round a hash. */
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

/* SipHash-1-3 of size bytes (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012; one
 * compression and three finalisation rounds, as the Rust and Python tables use it: enough for a
 * hash table whose outputs nobody sees, and not for anything that is sent). */
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

/* SipHash-2-4 with 128 bits of output: a message authentication code, for what is sent to strangers
 * (two compression rounds and twice four for finalisation: the paper's conservative proposal, and
 * the output that its authors' reference code gives for 16 bytes). By its parts: the state that a
 * key begins with; each word of the message, the last with the length in its highest byte; */
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

/* the code, to out. */
static inline void siphash_mac_finish(struct siphash_state *s, uint8_t out[16])
{
    s->v2 ^= 0xee;
    uint64_t word = htole64(siphash_mac_half(s));
    memcpy(out, &word, sizeof word);
    s->v1 ^= 0xdd;
    word = htole64(siphash_mac_half(s));
    memcpy(out + sizeof word, &word, sizeof word);
}

/* And of size bytes. */
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
