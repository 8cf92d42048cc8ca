#ifndef ADMISSION_COOKIE_H
#define ADMISSION_COOKIE_H

#include "address/addr.h"
#include "base/siphash.h"

#include <stdbool.h>
#include <stdint.h>

/* Cookies: what only who receives at an address can know. The server keeps none of them; it makes
 * the same one again from the address and a secret, and compares (in the manner of DNS cookies, RFC
 * 9018, and of QUIC's Retry, RFC 9000 section 8.1.2).
 *
 * A cookie is SipHash-2-4, 128 bits, over address, port, listener, and for IPv6 the scope, under
 * the secret of its minute; the family is in the length. Two secrets are known, so a cookie needs
 * no time in it and still lives for at least COOKIE_MINUTE_MS and at most twice that: by then two
 * secrets have come behind its own. A secret that is too old is refused even where its successor is
 * late. Time is an argument, in milliseconds of one clock that never goes back. */

enum {
    COOKIE_BYTES = 16,
    COOKIE_MINUTE_MS = 60000, /* a secret's turn */
};

struct cookie_secret {
    struct siphash_state begin; /* of its key */
    uint64_t from_ms;           /* when it became the current one */
};

/* The secrets of a moment, a plain value: each worker has its own copy of the same. */
struct cookie_secrets {
    struct cookie_secret current;
    struct cookie_secret previous; /* from_ms UINT64_MAX: there is none yet */
};

/* Begins with a key that nobody knows. */
struct cookie_secrets cookie_secrets_new(const struct siphash_key *key, uint64_t now_ms);

/* The next minute: key (again one that nobody knows) becomes the current one, the current one the
 * previous one, and the previous one is forgotten. */
void cookie_secrets_rotate(struct cookie_secrets *secrets, const struct siphash_key *key,
                           uint64_t now_ms);

/* Writes the cookie of a source as it is known on a listener. */
void cookie_make(const struct cookie_secrets *secrets, uint8_t listener, const struct addr *source,
                 uint8_t cookie[COOKIE_BYTES]);

/* Whether it is the source's cookie on this listener and still lives. Takes the same time whatever
 * differs, so that a wrong one tells nothing about the right one. */
bool cookie_is_good(const struct cookie_secrets *secrets, uint8_t listener,
                    const struct addr *source, const uint8_t cookie[COOKIE_BYTES], uint64_t now_ms);

#endif
