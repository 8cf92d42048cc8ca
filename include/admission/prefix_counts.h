#ifndef ADMISSION_PREFIX_COUNTS_H
#define ADMISSION_PREFIX_COUNTS_H

#include "address/addr.h"
#include "base/siphash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many clients each prefix has, an IPv4 /24 or an IPv6 /64, so that none has more than its
 * share of the registry. One table for all workers, without locks, since a prefix's clients are
 * spread over them; asked only when a client joins or goes.
 *
 * A prefix has one of two cache lines of the table, by a keyed hash, and there it is told from
 * others by 36 bits more: that two prefixes count as one is a chance of one in 4 * 10^9 for each
 * pair that meets. The table has room for more prefixes than there can be clients. One that finds
 * no place all the same (both its lines are full of others) isn't counted and isn't capped: a
 * stranger is never refused for what others filled. Two workers that see a new prefix in the same
 * moment may each give it a place; both count. */
struct prefix_counts;

enum { PREFIX_COUNTS_CAP_MAX = (1 << 28) - 1 };

/* The memory for the prefixes of that many clients (at least 1): 16 to 32 bytes a client, zero,
 * aligned to 64, the caller's, touched as prefixes come. */
size_t prefix_counts_bytes(uint32_t clients);
struct prefix_counts *prefix_counts_init(void *memory, uint32_t clients,
                                         const struct siphash_key *key);

/* A client joins: counts it. False, and it is not counted, if its prefix has cap of them already
 * (cap 0: nobody is refused, but all are counted). With N threads at it at once, a prefix may get
 * N - 1 more. */
bool prefix_counts_add(struct prefix_counts *prefixes, const struct addr *source, uint32_t cap);

/* A client that was added goes. */
void prefix_counts_remove(struct prefix_counts *prefixes, const struct addr *source);

/* The clients of the prefix of an address. */
uint32_t prefix_counts_count(const struct prefix_counts *prefixes, const struct addr *source);

#endif
