#ifndef SERVER_CONTROL_WORKER_QUERIES_H
#define SERVER_CONTROL_WORKER_QUERIES_H

#include "server/broadcast/broadcast_jobs.h"
#include "server/control/control_sessions.h"
#include "server/listen/listeners.h"
#include "server/workers/worker.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The operator's questions that only the workers can answer. */

/* Who is asked, and about what; all of it is the server's. */
struct worker_query_service {
    struct worker *const *workers;
    size_t worker_count;
    const struct jobs *jobs;
    const struct listeners *listeners;
    struct mailbox *reply_mailbox;
    uint32_t clients_max;
    uint64_t started_ms;
    bool stopping; /* questions are refused, and long answers break off */
};

/* Commands for the table of server/control/control_sessions, whose state is a struct
 * worker_query_service, or begins with one. */
void worker_query_status(void *state, struct control_session *session, char *arguments);
void worker_query_stats(void *state, struct control_session *session, char *arguments);
void worker_query_clients(void *state, struct control_session *session, char *arguments);
void worker_query_client(void *state, struct control_session *session, char *arguments);
void worker_query_kick(void *state, struct control_session *session, char *arguments);

#endif
