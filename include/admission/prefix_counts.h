#ifndef ADMISSION_PREFIX_COUNTS_H
#define ADMISSION_PREFIX_COUNTS_H

#include "address/addr.h"
#include "base/siphash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The number of registered clients of each prefix, an IPv4 /24 or an IPv6 /64, and the limit on it
 * (per-prefix), so that one network cannot fill the registry. All workers share one table without
 * locks, because the clients of a prefix are spread over them; it is used only when a client is
 * registered or removed.
 *
 * A keyed hash gives a prefix two cache lines of the table, and an entry in them has 36 more bits
 * of the hash to identify the prefix: a search takes another prefix for its own with a probability
 * of one in 4 * 10^9 (16 entries, 2^-36 each). The table has twice as many entries as there can be
 * clients. If both lines are nevertheless full of other prefixes, a new one is neither counted nor
 * limited: a client is never refused because of other prefixes. If two workers add a new prefix at
 * the same moment, it may get two entries, whose counts are added. */
struct prefix_counts;

enum { PREFIX_COUNTS_CAP_MAX = (1 << 28) - 1 };

/* Returns the size of the memory for this number of clients (at least 1): 16 to 32 bytes for each.
 * prefix_counts_init makes an empty table in that memory, which the caller owns: it is all zero and
 * aligned to 64. A page of it is used only when a prefix needs it. */
size_t prefix_counts_bytes(uint32_t clients);
struct prefix_counts *prefix_counts_init(void *memory, uint32_t clients,
                                         const struct siphash_key *key);

/* The memory may be mapped by several processes, one after the other: prefix_counts_layout is the
 * number of its layout, and prefix_counts_map returns the table in memory of that layout. */
uint64_t prefix_counts_layout(void);
struct prefix_counts *prefix_counts_map(void *memory);

/* Counts a client that is to be registered. Returns false, and does not count it, if its prefix has
 * cap clients already; cap 0 means no limit. With N threads at once, a prefix may exceed the cap by
 * N - 1. */
bool prefix_counts_add(struct prefix_counts *prefixes, const struct addr *source, uint32_t cap);

/* Subtracts a client that was added and is now removed. */
void prefix_counts_remove(struct prefix_counts *prefixes, const struct addr *source);

/* The number of clients of the prefix of an address. */
uint32_t prefix_counts_count(const struct prefix_counts *prefixes, const struct addr *source);

#endif
