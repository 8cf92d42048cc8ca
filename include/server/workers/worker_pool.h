#ifndef SERVER_WORKERS_WORKER_POOL_H
#define SERVER_WORKERS_WORKER_POOL_H

#include "config/config.h"
#include "registry/shared_capacity.h"
#include "server/listen/listeners.h"
#include "server/workers/worker.h"

#include <stddef.h>
#include <stdint.h>

/* All workers: how many there are (server.workers), their options, start and end. In the main
 * thread. */
struct workers {
    struct worker **list;
    struct relay **relays; /* by worker */
    size_t count;
    struct shared_capacity *capacity; /* of clients.max; NULL where a single worker has all of it */
    size_t started;                   /* the first so many run */
};

/* What the workers have in common. */
struct workers_shared {
    struct reply *reply;
    const struct first_worker_sockets *first_worker_sockets;
    struct admission_rules rules;
    struct cookie_secrets secrets;
    void (*on_link_failed)(void *state); /* see server/datagram/datagram_io; from any thread */
    void *on_link_state;
    uint32_t stream_files; /* from workers_raise_file_limit */
    struct worker_failure failure;
};

/* Returns how many workers server.workers means on this machine: 1 to CONFIG_WORKERS_MAX. */
size_t workers_wanted(const struct config *config);

/* Raises the process's limit on open files to what `count` workers need for the configuration, as
 * far as it is permitted. Returns how many streams that leaves descriptors for; at least a quarter
 * of the limit is theirs. */
uint32_t workers_raise_file_limit(size_t count, const struct config *config);

/* Makes as many workers as the listeners have sockets for. All pointers given, but for the
 * configuration, must outlive them. Returns 0, or -errno with *failed as the name of what could not
 * be made, a static text. Either way workers_free is needed. */
int workers_new(struct workers *workers, const struct config *config,
                const struct listeners *listeners, const struct workers_shared *shared,
                const char **failed);

/* Starts the threads. Returns 0, or -errno, and then some of them may run. */
int workers_start(struct workers *workers);

/* Waits for the end of the threads that run (after worker_finish), and frees all. */
void workers_free(struct workers *workers);

#endif
