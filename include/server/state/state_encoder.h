#ifndef SERVER_STATE_STATE_ENCODER_H
#define SERVER_STATE_STATE_ENCODER_H

#include "admission/device_key.h"
#include "config/config.h"
#include "os/process/memory.h"
#include "registry/names/client_names.h"
#include "server/admission/admission_rules.h"
#include "server/broadcast/broadcast_jobs.h"
#include "server/events/subscriptions.h"
#include "server/listen/listeners.h"
#include "server/workers/worker_pool.h"
#include "state/state_end.h"
#include "state/state_server.h"

#include <stddef.h>
#include <stdint.h>

/* Encodes the clients, names, counters and job ids as the blocks of a state file: for the file
 * (server/state/state_snapshots), and for an upgrade to a process that cannot use the memory of the
 * clients. */

/* Where they are. All pointers outlive their use. */
struct state_sources {
    const struct config *config;
    const struct names_key *names_key; /* only under clients.names = keyed */
    const struct listeners *listeners;
    struct workers *workers;
    const struct client_names *names; /* NULL: clients.names = off */
    struct jobs *jobs;
    const struct subscriptions *subscriptions;
    const struct admission_rules *rules; /* in use */
};

enum { STATE_SLICE = 256 /* the most clients in a block */ };

/* The next clients of a worker; with its last ones, its counters. */
struct state_slice {
    struct worker_walk walk;
    struct worker_client_state clients[STATE_SLICE];
    size_t count;
    struct state_time copied;
    struct stats counters;
    uint32_t streams;
};

/* Copies the next clients of a walk, which the caller begins. Called in the worker's thread, or in
 * the main thread when that does not run. */
void state_slice_copy(struct state_slice *slice, struct worker *worker);

/* Adds the counters of a slice whose walk has ended to the end. */
void state_slice_add_counters(const struct state_slice *slice, struct state_end *end);

/* Write the next bytes: the first ones of the file with the block of the server, which is made in
 * *server; a block of clients, whose number is added to the end; the last block. Each returns how
 * many bytes it has written: at most STATE_BLOCK_BYTES_MAX, and STATE_PREAMBLE_BYTES at the begin.
 */
size_t state_encode_begin(const struct state_sources *sources, struct state_server *server,
                          uint8_t *bytes);
size_t state_encode_slice(const struct state_sources *sources, const struct state_slice *slice,
                          struct state_end *end, uint8_t *bytes);
size_t state_encode_end(const struct state_sources *sources, struct state_end *end, uint8_t *bytes);

/* Encodes all of it at once to memory that is reserved for it, while no worker's thread runs. *size
 * is that of what was written. Returns 0 or -errno. */
int state_encode_all(const struct state_sources *sources, struct shared_memory *memory,
                     size_t *size);

#endif
