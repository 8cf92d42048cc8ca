#ifndef CORE_SIPHASH_H
#define CORE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* A secret of 128 bits; without it nobody can choose sources that collide in a table. */
struct siphash_key {
    uint64_t k0, k1;
};

/* SipHash-1-3 of size bytes (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012; one
 * compression and three finalisation rounds, as the Rust and Python tables use it: enough for a
 * hash table whose outputs nobody sees, and not for anything that is sent). */
uint64_t siphash13(const struct siphash_key *key, const void *bytes, size_t size);

#endif
