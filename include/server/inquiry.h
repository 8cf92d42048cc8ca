#ifndef SERVER_INQUIRY_H
#define SERVER_INQUIRY_H

#include "server/control.h"
#include "server/jobs.h"
#include "server/listeners.h"
#include "server/worker.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The operator's questions that only the workers can answer. */

/* Who is asked, and about what; all of it is the server's. */
struct inquiry_service {
    struct worker *const *workers;
    size_t worker_count;
    const struct jobs *jobs;
    const struct listeners *listeners;
    struct mailbox *home;
    uint32_t clients_max;
    uint64_t started_ms;
    bool stopping; /* questions are refused, and long answers break off */
};

/* Commands for the table of server/control, whose state is a struct inquiry_service, or begins with
 * one. */
void inquiry_status(void *state, struct control_session *session, char *arguments);
void inquiry_stats(void *state, struct control_session *session, char *arguments);
void inquiry_clients(void *state, struct control_session *session, char *arguments);
void inquiry_client(void *state, struct control_session *session, char *arguments);
void inquiry_kick(void *state, struct control_session *session, char *arguments);

#endif
