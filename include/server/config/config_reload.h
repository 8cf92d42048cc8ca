#ifndef SERVER_CONFIG_CONFIG_RELOAD_H
#define SERVER_CONFIG_CONFIG_RELOAD_H

#include "server/admission/shared_admission.h"
#include "server/broadcast/broadcast_jobs.h"
#include "server/config/config_check.h"
#include "server/control/control_socket.h"
#include "server/workers/worker.h"

#include <stdbool.h>
#include <stddef.h>

/* Reading the configuration again while the service goes on: all of it is applied, or nothing. */

/* What became of it; the texts are gone when `done` returns. */
struct reload_report {
    bool applied;
    const char *file; /* the configuration that was read; NULL: there is none, and the built-in
                         defaults and the command line are in effect */
    char **restart;   /* if applied: "section.key" of what differs from the start and waits for the
                         next */
    size_t restart_count;
    char **problems; /* if not: why, a complaint each */
    size_t problem_count;
};
typedef void reload_done(void *state, const struct reload_report *report);

/* What a reload reads and what it changes; the server's. */
struct reload_target {
    const struct server_options *options;
    bool once;                    /* its file can't be read again */
    const int *end_signals;       /* that are not kept waiting until it is read, closed by 0 */
    const struct config *started; /* what the server was started with */
    struct reply **reply;         /* the one in use; replaced if messages or mode have changed */
    struct shared_admission *admission;
    struct admission_rules *rules; /* those in use; replaced, their lists freed */
    struct worker *const *workers;
    size_t worker_count;
    struct jobs *jobs;
    struct mailbox *reply_mailbox;
    struct control_socket *control;
};

/* Calls done, and logs the outcome, when all workers go by the new configuration or it is clear
 * that none will. */
void reload(const struct reload_target *target, reload_done *done, void *state);

#endif
