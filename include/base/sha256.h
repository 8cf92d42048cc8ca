#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

/* SHA-256 (FIPS 180-4, sections 4.1.2, 5 and 6.2), for base/hmac_sha256. The message may be given
 * in parts of any size. libc has no such function, and a library for one hash is not linked.
 *
 * No branch and no address depends on the bytes of the message, so the duration reveals nothing but
 * their number. */

enum {
    SHA256_BYTES = 32,       /* of a digest */
    SHA256_BLOCK_BYTES = 64, /* of the message that are processed together */
};

/* A plain value: a copy continues independently, as base/hmac_sha256 needs it. */
struct sha256 {
    uint32_t state[8];
    uint64_t size;                     /* bytes of the message so far; below 2^61 */
    uint8_t block[SHA256_BLOCK_BYTES]; /* the last size % SHA256_BLOCK_BYTES bytes */
};

void sha256_init(struct sha256 *sha);

/* Appends size bytes to the message; bytes may be NULL if size is 0. */
void sha256_add(struct sha256 *sha, const void *bytes, size_t size);

/* Writes the digest of the message. Call sha256_init before the next one. */
void sha256_finish(struct sha256 *sha, uint8_t digest[SHA256_BYTES]);

#endif
