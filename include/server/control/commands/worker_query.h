#ifndef SERVER_CONTROL_COMMANDS_WORKER_QUERY_H
#define SERVER_CONTROL_COMMANDS_WORKER_QUERY_H

#include "os/loop/mailbox.h"
#include "server/broadcast/broadcast_jobs.h"
#include "server/control/control_sessions.h"
#include "server/events/subscriptions.h"
#include "server/listen/listeners.h"
#include "server/names/client_argument.h"
#include "server/offload/kernel_offload.h"
#include "server/workers/worker.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Queries to all workers: each worker is sent a message, and the session gets its answer when all
 * of them have replied. */

/* The data that queries need; all of it belongs to the server. */
struct worker_query_context {
    struct worker *const *workers;
    size_t worker_count;
    const struct jobs *jobs;
    struct subscriptions *subscriptions;
    const struct listeners *listeners;
    const struct client_names *names; /* NULL: clients.names = off */
    const struct kernel_offload *offload;
    struct loop *loop; /* of the main thread, and its mailbox */
    struct mailbox *reply_mailbox;
    uint32_t clients_max;
    uint64_t started_ms;
    bool is_held;  /* the workers are, for an upgrade: nothing new is to be posted to them */
    bool stopping; /* queries are refused, and long answers are aborted */
};

/* The message to one worker, and its reply. */
struct worker_answer {
    struct worker_call call; /* first */
    struct worker_query *query;
    struct stats stats;
    uint32_t clients;
    uint32_t kicked;
    struct client found[CONFIG_LISTEN_MAX];
    size_t found_count;
};

struct worker_query {
    struct worker_query_context *context;
    struct control_session *session;
    void (*write_answer)(struct worker_query *query);
    struct client_argument client; /* that the query is about */
    size_t pending;                /* workers that have not replied */
    struct worker_answer answers[];
};

/* Calls run in the thread of each worker, with the first member of the worker's worker_answer. When
 * all have replied, calls write_answer in the thread of the session and ends the command. client
 * may be NULL. */
void worker_query_start(struct worker_query_context *context, struct control_session *session,
                        void (*run)(struct worker_call *call),
                        void (*write_answer)(struct worker_query *query),
                        const struct client_argument *client);

/* Refuses a command because the server is stopping. */
void worker_query_refuse_stopping(struct control_session *session);

#endif
