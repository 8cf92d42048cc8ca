#ifndef SERVER_METRICS_METRICS_QUERY_H
#define SERVER_METRICS_METRICS_QUERY_H

#include "base/duration_histogram.h"
#include "base/stats.h"
#include "config/config.h"
#include "os/loop/mailbox.h"
#include "registry/names/client_names.h"
#include "server/broadcast/broadcast_jobs.h"
#include "server/events/subscriptions.h"
#include "server/listen/listeners.h"
#include "server/publish/publish_gaps.h"
#include "server/publish/publish_queue.h"
#include "server/state/state_snapshots.h"
#include "server/workers/worker.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the metrics are made of, collected for one request: each worker gets a message and answers
 * between two batches, as for `udpctl stats`. Used by the main thread. */

/* Where it is collected; all of it belongs to the server. */
struct metrics_source {
    const struct config *config; /* that the server was started with */
    struct worker *const *workers;
    size_t worker_count;
    const struct listeners *listeners;
    const struct jobs *jobs;
    const struct publish_queue *publishes;
    const struct publish_gaps *gaps;
    const struct subscriptions *subscriptions;
    const struct client_names *names;        /* NULL: clients.names = off */
    const struct state_snapshots *snapshots; /* NULL: no state.file */
    struct mailbox *reply_mailbox;           /* of the main thread */
    uint64_t started_ms, started_wall_ms;    /* by clock_now_ms and clock_wall_ms */
};

/* One worker at the moment of its answer. */
struct metrics_worker {
    struct stats stats;
    uint32_t clients; /* those of streams included */
    uint32_t streams;
    uint64_t cpu_ns; /* processor time of its thread */
    struct duration_histogram sweeps;
};

struct metrics_snapshot {
    const struct metrics_source *source;
    struct stats stats; /* of all workers, and what the main thread counts */
    uint64_t clients, streams;
    struct duration_histogram sweeps;
    const struct metrics_worker *workers; /* source->worker_count of them */
};

typedef void metrics_query_done(void *state, const struct metrics_snapshot *snapshot);

/* Asks all workers. done is called later, when all have answered; the snapshot is valid until it
 * returns. The source outlives the query, and the workers must not have got their last call
 * (server/server_stop). Returns 0, or -ENOMEM, and then done is not called. */
int metrics_query_start(const struct metrics_source *source, metrics_query_done *done, void *state);

#endif
