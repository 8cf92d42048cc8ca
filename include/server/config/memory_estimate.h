#ifndef SERVER_CONFIG_MEMORY_ESTIMATE_H
#define SERVER_CONFIG_MEMORY_ESTIMATE_H

#include "config/config.h"

#include <stddef.h>
#include <stdint.h>

/* The memory that a configuration may come to take, once as many clients are there as it allows. */
struct memory_estimate {
    uint64_t start_bytes;   /* of the clients' indexes, taken at the start */
    uint64_t clients_bytes; /* of clients.max clients, beside that */
    uint64_t streams_bytes; /* of full buffers of server.stream-max streams */
    uint64_t base_bytes;    /* of all else, about */
};

struct memory_estimate memory_estimate_of(const struct config *config, size_t workers);

uint64_t memory_estimate_sum(const struct memory_estimate *need);

/* The largest clients.max with which so many bytes are enough, at most that of the configuration,
 * rounded down to what reads well; 0: none. */
uint32_t memory_estimate_clients(const struct config *config, size_t workers, uint64_t bytes);

/* Compares that with what this process may have. Warns of a configuration that may take more, since
 * the kernel would kill the process when that many clients are there; and refuses, with -ENOMEM,
 * one whose start would. 0 or -errno; the log says why. */
int memory_estimate_check(const struct config *config, size_t workers);

#endif
