#ifndef ADMISSION_COOKIE_H
#define ADMISSION_COOKIE_H

#include "address/addr.h"
#include "base/siphash.h"

#include <stdbool.h>
#include <stdint.h>

/* Cookies that prove a source address: only a program that receives at the address knows its
 * cookie.
 *
 * The server stores no cookie. It computes the cookie again from the address and a secret, and
 * compares (as DNS cookies, RFC 9018, and the Retry tokens of QUIC, RFC 9000 section 8.1.2). Forged
 * sources would fill a table of the challenges that were sent, and a full table would have to
 * refuse real clients. Without one, 1,000,000 forged sources cost 8 to 12 KiB of memory
 * (docs/security.md). A client is registered once its cookie is accepted, and then needs none: the
 * policy adds 0.1 user instructions to its datagrams. A challenge costs 0.96 times the CPU time of
 * a reply (docs/performance.md).
 *
 * A cookie is SipHash-2-4, 128 bits, of address, port, listener, and for IPv6 the scope; the length
 * of the input differs by family. There is no time in it: the key is a secret that is replaced
 * every COOKIE_ROTATION_MS, and the current and the previous secret are accepted. So a cookie is
 * valid for at least COOKIE_ROTATION_MS and less than twice that. A secret of twice that age is
 * refused even if the next rotation is late. A timestamp in the cookie with one fixed secret would
 * need a longer frame, and anyone who once learned the secret could forge cookies for ever.
 *
 * now_ms is the time in milliseconds, always of the same monotonic clock. */

enum {
    COOKIE_BYTES = 16,
    COOKIE_ROTATION_MS = 60000, /* how long a secret is the current one */
};

struct cookie_secret {
    struct siphash_state begin; /* the initial state of its key */
    uint64_t from_ms;           /* when it became the current one */
};

/* The accepted secrets, a plain value: each worker has a copy of the same. */
struct cookie_secrets {
    struct cookie_secret current;
    struct cookie_secret previous; /* from_ms is UINT64_MAX before the first rotation */
};

/* key must be random and secret, here and below. */
struct cookie_secrets cookie_secrets_new(const struct siphash_key *key, uint64_t now_ms);

/* Derives a key from the current secret, for a rotation when the kernel has no random bytes: a
 * program that does not know that secret cannot predict it. Without a new secret, the server would
 * send cookies that have expired. */
struct siphash_key cookie_secrets_derive_key(const struct cookie_secrets *secrets);

/* Makes key the current secret, and the secret that was current the previous one. The secret that
 * was the previous one is no longer accepted. Call it every COOKIE_ROTATION_MS. */
void cookie_secrets_rotate(struct cookie_secrets *secrets, const struct siphash_key *key,
                           uint64_t now_ms);

/* Writes the cookie of a source on a listener (its index). */
void cookie_make(const struct cookie_secrets *secrets, uint8_t listener, const struct addr *source,
                 uint8_t cookie[COOKIE_BYTES]);

/* Whether a cookie is the source's on this listener and has not expired. Takes the same time
 * whichever bits differ, so that its duration reveals nothing about the right cookie. */
bool cookie_is_valid(const struct cookie_secrets *secrets, uint8_t listener,
                     const struct addr *source, const uint8_t cookie[COOKIE_BYTES],
                     uint64_t now_ms);

#endif
