#ifndef ADDRESS_SOURCE_SHARD_H
#define ADDRESS_SOURCE_SHARD_H

#include "address/addr.h"

#include <stdint.h>

/* Which shard a source belongs to: a keyed hash of its address and port, reduced to the number of
 * shards. The kernel computes the same function to choose the socket of a datagram, by a program of
 * net/socket/shard_program, so it is made only of operations that classic BPF has: 32-bit XOR,
 * multiplication, shifts and remainder. A change here is a change there.
 *
 * The hash begins with key.start. The port is mixed in first, then the address by words of 32 bits
 * (one for IPv4, four for IPv6, network order), then once more nothing. To mix a word in:
 *     hash ^= word; hash *= multipliers[0]; hash ^= hash >> 15;
 *                   hash *= multipliers[1]; hash ^= hash >> 16;
 * The zone of an address is not part of it, since a datagram does not contain it.
 *
 * How evenly it divides: over 2,000 random keys, 2 to 256 shards and eight sets of sources
 * (sequential and even ports of one address, one /24 with one port and with 256, addresses 256
 * apart, one IPv6 /64, random ones of both families), the mean of chi-square is 0.96 to 1.04 times
 * its degrees of freedom, as for random numbers, and the largest values are those of random
 * numbers, too. So the room of a shard (server/config/worker_capacity), which counts on chance,
 * suffices.
 *
 * What was weighed:
 *   - both multipliers are part of the key: with constants, a difference of two sources that
 * cancels itself out could be computed in advance, once for all keys (a difference of bit 31 passes
 * any multiplication by an odd constant);
 *   - the last round without a word: else bit 31 of the last word would change the shard of two by
 * a rule, whatever the key is;
 *   - SipHash, as for the tables: 64-bit additions and rotations, which classic BPF lacks, would
 *     take some hundred of its instructions for each word;
 *   - the kernel's own hash: its key is secret, so the program could not know the shard of a source
 *     that has not sent to it.
 * It is no cryptographic hash. Without the key a sender does not know which of its sources share a
 * shard; one that can measure which worker answers finds some by trial, as with any hash. */

struct source_shard_key {
    uint32_t start;          /* any value */
    uint32_t multipliers[2]; /* odd */
};

enum {
    SOURCE_SHARD_FIRST_SHIFT = 15,
    SOURCE_SHARD_SECOND_SHIFT = 16,
    SOURCE_SHARD_KEY_BYTES = 12,
};

/* Makes a key of random bytes. */
void source_shard_key_init(struct source_shard_key *key,
                           const uint8_t random[SOURCE_SHARD_KEY_BYTES]);

/* Returns the shard of a source (family ADDR_IPV4 or ADDR_IPV6), 0 to count - 1. count is at least
 * 1. */
uint32_t source_shard(const struct source_shard_key *key, const struct addr *source,
                      uint32_t count);

#endif
