#ifndef REGISTRY_CLIENT_KEY_H
#define REGISTRY_CLIENT_KEY_H

#include "address/addr.h"
#include "base/siphash.h"

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The key that identifies a client (listener, source address, port and scope) and its keyed hash.
 *
 * The key is packed into words, so that it is hashed, compared and copied without being decoded.
 * For IPv4 the head is the whole key, and the other two words are 0.
 *
 * Anyone can choose the source port, and under IPv6 the address, of a datagram. With an unkeyed
 * hash a sender could choose sources that all fall on one run of the index and make each search
 * long. So the hash is SipHash-1-3 under a key that the kernel generated at the start. Hashing,
 * search and update of a known client take 258 instructions together (docs/performance.md, "Layouts
 * of the registry"). */
struct client_key {
    uint64_t head; /* port, listener, family, and the IPv4 address or the IPv6 scope */
    uint64_t ip6_first, ip6_last;
};

enum {
    CLIENT_KEY4_BYTES = offsetof(struct client_key, ip6_first),
    CLIENT_KEY6_BYTES = sizeof(struct client_key),

    CLIENT_KEY_LISTENER_SHIFT = 16,
    CLIENT_KEY_FAMILY_SHIFT = 24,
    CLIENT_KEY_IP4_OR_SCOPE_SHIFT = 32,
};

/* The key of a source (IPv4 or IPv6) on a listener (its number). */
static inline struct client_key client_key_of(uint8_t listener, const struct addr *source)
{
    struct client_key key = {.ip6_first = 0};
    uint32_t ip4_or_scope = source->scope;
    if (source->family == ADDR_IPV4) {
        memcpy(&ip4_or_scope, source->ip, sizeof ip4_or_scope);
        ip4_or_scope = le32toh(ip4_or_scope);
    } else {
        key.ip6_first = siphash_word(source->ip, sizeof key.ip6_first);
        key.ip6_last = siphash_word(source->ip + sizeof key.ip6_first, sizeof key.ip6_last);
    }
    key.head = source->port | (uint64_t)listener << CLIENT_KEY_LISTENER_SHIFT |
               (uint64_t)source->family << CLIENT_KEY_FAMILY_SHIFT |
               (uint64_t)ip4_or_scope << CLIENT_KEY_IP4_OR_SCOPE_SHIFT;
    return key;
}

/* Each of the following returns a part of the key. */
static inline bool client_key_is_ipv4(const struct client_key *key)
{
    return (uint8_t)(key->head >> CLIENT_KEY_FAMILY_SHIFT) == ADDR_IPV4;
}

static inline uint8_t client_key_listener(const struct client_key *key)
{
    return (uint8_t)(key->head >> CLIENT_KEY_LISTENER_SHIFT);
}

static inline struct addr client_key_source(const struct client_key *key)
{
    uint32_t ip4_or_scope = (uint32_t)(key->head >> CLIENT_KEY_IP4_OR_SCOPE_SHIFT);
    struct addr source = {
        .port = (uint16_t)key->head,
        .family = (uint8_t)(key->head >> CLIENT_KEY_FAMILY_SHIFT),
    };
    if (client_key_is_ipv4(key)) {
        ip4_or_scope = htole32(ip4_or_scope);
        memcpy(source.ip, &ip4_or_scope, sizeof ip4_or_scope);
    } else {
        const uint64_t words[] = {htole64(key->ip6_first), htole64(key->ip6_last)};
        source.scope = ip4_or_scope;
        memcpy(source.ip, words, sizeof words);
    }
    return source;
}

/* The bytes of the key that are significant, and that an entry of its family stores. */
static inline size_t client_key_bytes(const struct client_key *key)
{
    return client_key_is_ipv4(key) ? CLIENT_KEY4_BYTES : CLIENT_KEY6_BYTES;
}

/* Compares the heads first. They contain the family, so only the head is read of a key that is
 * stored in its IPv4 length. */
static inline bool client_key_equal(const struct client_key *a, const struct client_key *b)
{
    return a->head == b->head &&
           (client_key_is_ipv4(a) || (a->ip6_first == b->ip6_first && a->ip6_last == b->ip6_last));
}

/* SipHash-1-3 of the words, starting from the state of a secret key (siphash_begin). The final
 * block with the length is left out: it distinguishes inputs of which one is a prefix of another,
 * and here the family in the first word determines the length. The function is always inline, since
 * compilers would otherwise make it a call when it has several callers, at a cost for each
 * datagram. */
__attribute__((always_inline)) static inline uint64_t client_key_hash(struct siphash_state state,
                                                                      const struct client_key *key)
{
    siphash_absorb(&state, key->head);
    if (!client_key_is_ipv4(key)) {
        siphash_absorb(&state, key->ip6_first);
        siphash_absorb(&state, key->ip6_last);
    }
    return siphash_finish(&state);
}

#endif
