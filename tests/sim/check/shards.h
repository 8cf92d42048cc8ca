#ifndef SIM_CHECK_SHARDS_H
#define SIM_CHECK_SHARDS_H

#include "sim/check/model.h"

#include <stddef.h>
#include <stdint.h>

/* The oracle of the division among workers: each client of a unicast listener belongs to the worker
 * that its source names, by one key for all listeners of a start, unless the kernel has refused
 * that choice. It has the function of its own, by the definition in include/address/source_shard.h.
 */

struct shards_key {
    uint32_t start, multipliers[2];
};

/* Which of count sockets the simulated kernel gives the datagrams of a source to. */
uint32_t shards_of(const struct shards_key *key, const struct addr *source, uint32_t count);

/* The server asks the kernel to choose by that key; error is the kernel's -errno, or 0. */
void shards_asked(const struct shards_key *key, int error);
/* The server has ended. */
void shards_reset(void);

/* Returns the worker that a client will belong to that is registered before the first datagram: -1
 * if only the kernel knows it, SHARDS_UNDECIDED if the server has not yet asked the kernel. */
enum { SHARDS_UNDECIDED = -2 };
int shards_worker_of(int listener, const struct addr *source);

/* A worker has received a datagram of a source by a listener, or sent it a reply or a copy. */
void shards_check_worker(int listener, const struct addr *source, int worker);
/* A client is registered in no other worker than that. */
void shards_check_registered(const struct model_entry *entry, uint64_t now_ms);

#endif
