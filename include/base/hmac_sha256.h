#ifndef BASE_HMAC_SHA256_H
#define BASE_HMAC_SHA256_H

#include "base/sha256.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* HMAC-SHA-256 (RFC 2104, with SHA-256), the message authentication code of device keys and of
 * hellos (admission/device_key). Devices compute it, too, so it is the code that each language's
 * library has; SipHash, which cookies use, is in few of them. */

/* A message of which a part is given. Free of pointers; wipe it, if that matters, by
 * explicit_bzero. */
struct hmac_sha256 {
    struct sha256 inner, outer;
};

/* Begins a message under a key of any size; key may be NULL if size is 0. */
void hmac_sha256_init(struct hmac_sha256 *hmac, const void *key, size_t size);

/* Appends size bytes to the message; bytes may be NULL if size is 0. */
void hmac_sha256_add(struct hmac_sha256 *hmac, const void *bytes, size_t size);

/* Writes the code of the message. Its first bytes are a shorter code (RFC 2104, section 5). */
void hmac_sha256_finish(struct hmac_sha256 *hmac, uint8_t mac[SHA256_BYTES]);

/* Whether two codes of size bytes are equal. It takes the same time whichever bytes differ, so that
 * its duration does not show a sender how many bytes of a guess are right. */
bool hmac_sha256_equal(const uint8_t *a, const uint8_t *b, size_t size);

#endif
