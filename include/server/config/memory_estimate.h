#ifndef SERVER_CONFIG_MEMORY_ESTIMATE_H
#define SERVER_CONFIG_MEMORY_ESTIMATE_H

#include "config/config.h"

#include <stddef.h>
#include <stdint.h>

/* Estimate of the memory that a configuration needs when the server has as many clients as it
 * allows. */
struct memory_estimate {
    uint64_t start_bytes; /* of the clients' indexes, committed at the start */
    uint64_t
        clients_bytes; /* of clients.max clients, without their indexes, and of names-max names */
    uint64_t offload_bytes; /* of the kernel's tables of the offload, and of its records */
    uint64_t streams_bytes; /* of server.stream-max streams with full buffers */
    uint64_t base_bytes;    /* of everything else, approximately */
};

/* Estimates the memory for that number of workers. */
struct memory_estimate memory_estimate_of(const struct config *config, size_t workers);

/* Returns the sum in bytes. */
uint64_t memory_estimate_sum(const struct memory_estimate *need);

/* Returns the largest clients.max for which this number of bytes suffices, at most that of the
 * configuration, rounded down to two significant digits; 0 if they do not suffice for one client.
 */
uint32_t memory_estimate_clients(const struct config *config, size_t workers, uint64_t bytes);

/* Compares the estimate with the memory that this process may use. Logs a warning if clients.max
 * clients may need more, since the kernel would kill the process before it has all of them. Logs an
 * error and returns -ENOMEM if the indexes, which are committed at the start, need more. Returns 0
 * otherwise. */
int memory_estimate_check(const struct config *config, size_t workers);

#endif
