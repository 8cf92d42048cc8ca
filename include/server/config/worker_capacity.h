#ifndef SERVER_CONFIG_WORKER_CAPACITY_H
#define SERVER_CONFIG_WORKER_CAPACITY_H

#include "config/config.h"

#include <stddef.h>
#include <stdint.h>

/* Returns for how many clients a worker (numbered from 0) of that many needs memory: its share of
 * clients.max and some more (admission/shared_capacity), since the kernel distributes the clients
 * of unicast listeners; all of clients.max if it is the first worker and server.listen has a
 * multicast group, since only it has the clients of groups. Shards of one size would refuse clients
 * of groups before clients.max is reached. The larger shard costs its index at the start, and only
 * address space for the clients that it does not have. */
uint32_t worker_capacity(const struct config *config, size_t workers, size_t number);

#endif
