#include "base/hmac_sha256.h"

#include <string.h>

/* The bytes of ipad and opad (RFC 2104, section 2). */
enum { INNER_PAD = 0x36, OUTER_PAD = 0x5c };

static void begin(struct sha256 *sha, const uint8_t key[SHA256_BLOCK_BYTES], uint8_t pad)
{
    uint8_t block[SHA256_BLOCK_BYTES];
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = key[i] ^ pad;
    sha256_init(sha);
    sha256_add(sha, block, sizeof block);
}

void hmac_sha256_init(struct hmac_sha256 *hmac, const void *key, size_t size)
{
    uint8_t block[SHA256_BLOCK_BYTES] = {0};
    if (size > sizeof block) {
        sha256_init(&hmac->inner);
        sha256_add(&hmac->inner, key, size);
        sha256_finish(&hmac->inner, block);
    } else if (size > 0) {
        memcpy(block, key, size);
    }
    begin(&hmac->inner, block, INNER_PAD);
    begin(&hmac->outer, block, OUTER_PAD);
}

void hmac_sha256_add(struct hmac_sha256 *hmac, const void *bytes, size_t size)
{
    sha256_add(&hmac->inner, bytes, size);
}

void hmac_sha256_finish(struct hmac_sha256 *hmac, uint8_t mac[SHA256_BYTES])
{
    uint8_t digest[SHA256_BYTES];
    sha256_finish(&hmac->inner, digest);
    sha256_add(&hmac->outer, digest, sizeof digest);
    sha256_finish(&hmac->outer, mac);
}

bool hmac_sha256_equal(const uint8_t *a, const uint8_t *b, size_t size)
{
    volatile uint8_t different = 0; /* volatile: no compiler ends the loop early */
    for (size_t i = 0; i < size; i++)
        different = different | (uint8_t)(a[i] ^ b[i]);
    return different == 0;
}
