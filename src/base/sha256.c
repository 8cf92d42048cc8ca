#include "base/sha256.h"

#include <endian.h>
#include <string.h>

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes (section
 * 4.2.2). */
static const uint32_t CONSTANTS[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate_right(uint32_t x, int bits)
{
    return x >> bits | x << (32 - bits);
}

/* The message schedule of a block (section 6.2.2, step 1). */
static void expand(const uint8_t *block, uint32_t words[64])
{
    for (int t = 0; t < 16; t++) {
        uint32_t word;
        memcpy(&word, block + 4 * t, sizeof word);
        words[t] = be32toh(word);
    }
    for (int t = 16; t < 64; t++) {
        uint32_t a = words[t - 15], b = words[t - 2];
        uint32_t sigma0 = rotate_right(a, 7) ^ rotate_right(a, 18) ^ a >> 3;
        uint32_t sigma1 = rotate_right(b, 17) ^ rotate_right(b, 19) ^ b >> 10;
        words[t] = sigma1 + words[t - 7] + sigma0 + words[t - 16];
    }
}

/* Adds a block to the state (section 6.2.2, steps 2 to 4; the names are the standard's). */
static void compress(uint32_t state[8], const uint8_t *block)
{
    uint32_t words[64];
    expand(block, words);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int t = 0; t < 64; t++) {
        uint32_t sum1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
        uint32_t sum0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
        uint32_t t1 = h + sum1 + ((e & f) ^ (~e & g)) + CONSTANTS[t] + words[t];
        uint32_t t2 = sum0 + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + t1;
        d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

void sha256_init(struct sha256 *sha)
{
    /* The first 32 bits of the fractional parts of the square roots of the first 8 primes (section
     * 5.3.3). */
    static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(sha->state, initial, sizeof initial);
    sha->size = 0;
}

void sha256_add(struct sha256 *sha, const void *bytes, size_t size)
{
    const uint8_t *next = bytes;
    while (size > 0) {
        size_t used = sha->size % SHA256_BLOCK_BYTES;
        size_t part = SHA256_BLOCK_BYTES - used < size ? SHA256_BLOCK_BYTES - used : size;
        memcpy(sha->block + used, next, part);
        sha->size += part;
        if (used + part == SHA256_BLOCK_BYTES)
            compress(sha->state, sha->block);
        next += part;
        size -= part;
    }
}

void sha256_finish(struct sha256 *sha, uint8_t digest[SHA256_BYTES])
{
    /* A bit 1, zeros up to 8 bytes before the end of a block, and the length in bits (section
     * 5.1.1). */
    static const uint8_t padding[SHA256_BLOCK_BYTES] = {0x80};
    uint64_t bits = htobe64(sha->size * 8);
    size_t used = sha->size % SHA256_BLOCK_BYTES;
    size_t end = SHA256_BLOCK_BYTES - sizeof bits;
    sha256_add(sha, padding, used < end ? end - used : end + SHA256_BLOCK_BYTES - used);
    sha256_add(sha, &bits, sizeof bits);
    for (int i = 0; i < 8; i++) {
        uint32_t word = htobe32(sha->state[i]);
        memcpy(digest + 4 * i, &word, sizeof word);
    }
}
