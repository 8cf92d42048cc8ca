#ifndef SERVER_WORKERS_WORKER_CLIENTS_H
#define SERVER_WORKERS_WORKER_CLIENTS_H

#include "base/duration_histogram.h"
#include "base/handover.h"
#include "base/stats.h"
#include "registry/client_selector.h"
#include "registry/registry.h"
#include "registry/registry_restore.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Queries about the clients and counters of one worker, for the commands status, stats, clients,
 * client and kick of udpctl. Called in the worker's thread, from the run of a call
 * (server/workers/worker_messages). */
struct worker;
struct client_name;

/* Copies the counters, with the kernel's drops up to now, and the number of clients. */
void worker_stats(struct worker *worker, struct stats *stats, uint32_t *clients);

/* Copies how long the sweeps took, in processor time; one that is not yet over does not count. */
void worker_sweep_durations(const struct worker *worker, struct duration_histogram *sweeps);

/* Returns the number of clients. */
uint32_t worker_clients_count(const struct worker *worker);

/* A walk over all clients: first those of the registry, then those that are connected by streams.
 */
struct worker_walk {
    struct registry_walk registry;
    uint32_t stream;         /* the next place to read */
    uint64_t streams_before; /* only of worker_kick_matching: the number of the first stream client
                                that came too late; 0: the walk has not begun */
    bool ended;
};
/* Begins a walk. */
struct worker_walk worker_walk_all(void);

/* Copies the next clients of a walk, at most `max`, and returns how many. Fewer than max, even 0,
 * do not mean that the walk has ended: see walk->ended. See registry_walk and stream_clients_list
 * for the fields of a client. */
size_t worker_list(struct worker *worker, struct worker_walk *walk, struct client *clients,
                   size_t max);

/* The clients that got a frame of a confirmed broadcast, and have or have not confirmed it. */
struct worker_confirmations {
    uint64_t number; /* of the broadcast in frames */
    bool is_silent;  /* those that have not */
};

/* The same as worker_list for the clients of a confirmed broadcast. The walk is used for nothing
 * else; a broadcast that is not remembered has no clients. */
size_t worker_list_confirmations(struct worker *worker, struct worker_walk *walk,
                                 const struct worker_confirmations *which, struct client *clients,
                                 size_t max);

/* A client of the registry, and how long it has left until it expires. */
struct worker_client_state {
    struct client client;
    uint64_t left_ms;
};

/* Copies the next clients of a walk for the state file, as they are at now_ms: those of the
 * registry only, since a stream does not survive a restart. max is a multiple of BATCH_MAX. Returns
 * how many, as worker_list does. */
size_t worker_copy_state(struct worker *worker, struct worker_walk *walk, uint64_t now_ms,
                         struct worker_client_state *clients, size_t max);

/* Returns the number of clients that are connected by streams. */
uint32_t worker_streams_count(const struct worker *worker);

/* Registers a client again after a restart, marked if it has a name. Returns as registry_restore
 * does. Call this, worker_restore_remove, which removes one again, and worker_restore_counters
 * before the worker is started. */
uint32_t worker_restore(struct worker *worker, const struct registry_restored *client,
                        bool is_named, uint64_t now_ms, bool *is_new);
void worker_restore_remove(struct worker *worker, uint8_t listener, const struct addr *source);
void worker_restore_counters(struct worker *worker, const struct stats *counters);

/* What a worker hands over to the one of its number in the next process of an upgrade: its clients
 * and counters. These are called in the main thread, while the worker's thread does not run.
 *
 * worker_put_memory writes the piece of the registry's memory into the record; the thread may run
 * meanwhile. worker_hand_over writes its numbers. worker_take_over continues the worker that had
 * the memory, which it neither reads nor writes; call it before worker_start. It returns 0 or
 * -EPROTO. worker_recount_prefixes counts its clients in a table of prefixes that is new. */
void worker_put_memory(const struct worker *worker, struct handover_writer *writer);
void worker_hand_over(struct worker *worker, struct handover_writer *writer);
int worker_take_over(struct worker *worker, struct handover_reader *reader);
void worker_recount_prefixes(struct worker *worker);

/* Finds a client by its name, and copies it as it is at now_ms (os/process/clock). A client that
 * sends datagrams may be registered on several listeners: the search starts at the given listener.
 * Returns false if there is none. */
bool worker_find(struct worker *worker, uint8_t listener, const struct client_name *name,
                 uint64_t now_ms, struct client *client);

/* Reads the next clients of a walk, at most `max` of those that are registered at its beginning,
 * and removes each one that matches. Returns how many it has removed; 0 does not mean that the walk
 * has ended: see walk->ended. */
uint32_t worker_kick_matching(struct worker *worker, struct worker_walk *walk,
                              const struct client_selector *selector, size_t max);

/* Removes the clients of that name that the filter admits, on all listeners. Returns how many these
 * were. */
uint32_t worker_kick(struct worker *worker, const struct client_name *name,
                     const struct client_filter *filter);

#endif
