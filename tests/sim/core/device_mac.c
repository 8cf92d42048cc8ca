#include "sim/core/device_mac.h"

#include <string.h>

enum {
    BLOCK_BYTES = 64,
    DIGEST_BYTES = 32,
    TEXT_BYTES_MAX = DEVICE_COOKIE_BYTES + DEVICE_LABEL_BYTES_MAX,
    ROUNDS = 64,
};

/* ---- SHA-256 ---- */

static uint32_t turn(uint32_t word, unsigned bits)
{
    return word >> bits | word << (32 - bits);
}

/* FIPS 180-4, sections 4.2.2 and 5.3.3. */
static const uint32_t of_rounds[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};
static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static void add_block(uint32_t sum[8], const uint8_t *block)
{
    uint32_t w[ROUNDS], s[8];
    for (size_t i = 0; i < ROUNDS; i++)
        w[i] = i < 16 ? (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
                            (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3]
                      : w[i - 16] + w[i - 7] +
                            (turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3) +
                            (turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10);
    memcpy(s, sum, sizeof s);
    for (size_t i = 0; i < ROUNDS; i++) {
        uint32_t one = s[7] + (turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25)) +
                       ((s[4] & s[5]) ^ (~s[4] & s[6])) + of_rounds[i] + w[i];
        uint32_t two = (turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22)) +
                       ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof s[0]);
        s[4] += one;
        s[0] = one + two;
    }
    for (size_t i = 0; i < 8; i++)
        sum[i] += s[i];
}

/* Of at most BLOCK_BYTES + TEXT_BYTES_MAX bytes. */
static void sha256(uint8_t digest[DIGEST_BYTES], const uint8_t *bytes, size_t size)
{
    uint8_t padded[4 * BLOCK_BYTES] = {0};
    size_t blocks = (size + 8) / BLOCK_BYTES + 1;
    uint32_t sum[8];
    memcpy(padded, bytes, size);
    padded[size] = 0x80;
    padded[blocks * BLOCK_BYTES - 2] = (uint8_t)(size * 8 >> 8);
    padded[blocks * BLOCK_BYTES - 1] = (uint8_t)(size * 8);
    memcpy(sum, first, sizeof sum);
    for (size_t i = 0; i < blocks; i++)
        add_block(sum, padded + i * BLOCK_BYTES);
    for (size_t i = 0; i < DIGEST_BYTES; i++)
        digest[i] = (uint8_t)(sum[i / 4] >> (24 - i % 4 * 8));
}

/* ---- HMAC ---- */

static void hmac(uint8_t digest[DIGEST_BYTES], const uint8_t key[DIGEST_BYTES], const uint8_t *text,
                 size_t size)
{
    uint8_t inner[BLOCK_BYTES + TEXT_BYTES_MAX], outer[BLOCK_BYTES + DIGEST_BYTES];
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        uint8_t byte = i < DIGEST_BYTES ? key[i] : 0;
        inner[i] = byte ^ 0x36;
        outer[i] = byte ^ 0x5c;
    }
    memcpy(inner + BLOCK_BYTES, text, size);
    sha256(outer + BLOCK_BYTES, inner, BLOCK_BYTES + size);
    sha256(digest, outer, sizeof outer);
}

void device_mac(uint8_t code[DEVICE_CODE_BYTES], const uint8_t key[DEVICE_KEY_FILE_BYTES],
                const uint8_t cookie[DEVICE_COOKIE_BYTES], const uint8_t *name, size_t size)
{
    uint8_t device_key[DIGEST_BYTES], text[TEXT_BYTES_MAX], digest[DIGEST_BYTES];
    hmac(device_key, key, name, size);
    memcpy(text, cookie, DEVICE_COOKIE_BYTES);
    memcpy(text + DEVICE_COOKIE_BYTES, name, size);
    hmac(digest, device_key, text, DEVICE_COOKIE_BYTES + size);
    memcpy(code, digest, DEVICE_CODE_BYTES);
}
