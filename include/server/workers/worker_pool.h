#ifndef SERVER_WORKERS_WORKER_POOL_H
#define SERVER_WORKERS_WORKER_POOL_H

#include "admission/shared_capacity.h"
#include "config/config.h"
#include "os/process/memory.h"
#include "server/listen/listeners.h"
#include "server/state/handed_clients.h"
#include "server/workers/worker.h"

#include <stddef.h>
#include <stdint.h>

/* All workers: how many there are (server.workers), their options, start and end. Used by the main
 * thread. */
struct workers {
    struct worker **list;
    struct relay **relays; /* by worker */
    size_t count;
    struct shared_capacity *capacity; /* of clients.max; NULL if a single worker has all of it */
    struct shared_memory capacity_memory;
    size_t started; /* how many were started, which are the first ones */
};

/* The options that all workers share. */
struct workers_shared {
    struct reply *reply;
    const struct first_worker_sockets *first_worker_sockets;
    struct admission_rules rules;
    struct cookie_secrets secrets;
    void (*on_challenge_failed)(void *state); /* see server/datagram/datagram_io; from any thread */
    void *on_link_state;
    uint32_t stream_files;                 /* from file_limit_raise */
    struct event_queue *const *events;     /* to the main thread, by worker */
    struct names_key names_key;            /* under clients.names = keyed */
    struct name_queue *const *name_queues; /* to the main thread, by worker; NULL: names = off */
    struct worker_failure failure;
    struct handed_clients *handed; /* in an upgrade; else NULL */
    const struct kernel_offload *offload;
};

/* Returns the number of workers, 1 to CONFIG_WORKERS_MAX, that server.workers requests on this
 * machine. */
size_t workers_wanted(const struct config *config);

/* Makes as many workers as the listeners have sockets for. All pointers except the configuration
 * must outlive the workers. Returns 0, or -errno with *failed set to the name of the part that
 * failed, a static string. Either way workers_free is needed. */
int workers_new(struct workers *workers, const struct config *config,
                const struct listeners *listeners, const struct workers_shared *shared,
                const char **failed);

/* Writes the pieces of the workers' memory into the record: the registries, and the capacity. */
void workers_put_memory(const struct workers *workers, struct handover_writer *writer);

/* Makes the threads, which wait for workers_start. Returns 0 or -errno; the threads that were made
 * end by workers_free. */
int workers_open_threads(struct workers *workers);

/* Starts the workers. */
void workers_start(struct workers *workers);

/* workers_hold stops the workers, all of which run, and handles the messages to the workers and to
 * the main thread until none is left: from then on nothing is under way between them, and only the
 * caller uses their memory. workers_resume starts them again, and they go on where they were. */
void workers_hold(struct workers *workers, struct mailbox *main_mailbox);
void workers_resume(struct workers *workers);

/* Handles the messages to the workers and to the main thread once more, while they are held.
 * Returns whether there were any. */
bool workers_settle(struct workers *workers, struct mailbox *main_mailbox);

/* Waits for the end of the threads that run (after worker_finish), and frees everything. */
void workers_free(struct workers *workers);

#endif
