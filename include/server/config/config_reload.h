#ifndef SERVER_CONFIG_CONFIG_RELOAD_H
#define SERVER_CONFIG_CONFIG_RELOAD_H

#include "os/loop/mailbox.h"
#include "server/admission/admission_updates.h"
#include "server/broadcast/broadcast_jobs.h"
#include "server/config/config_load.h"
#include "server/config/effective_config.h"
#include "server/control/control_socket_file.h"
#include "server/events/subscriptions.h"
#include "server/metrics/metrics_server.h"
#include "server/offload/kernel_offload.h"
#include "server/state/state_snapshots.h"
#include "server/workers/worker.h"

#include <stdbool.h>
#include <stddef.h>

/* Reloads the configuration while the server runs: all changes are applied, or none. */

/* The result of a reload. The texts are valid until `done` returns. */
struct config_reload_report {
    bool applied;
    const char *file; /* the file that was read; NULL: no file, the built-in defaults and the
                         command line are in effect */
    /* If applied: "section.key" of each changed key that needs a restart, and of each for which an
     * upgrade suffices. */
    char **restart, **upgrade;
    size_t restart_count, upgrade_count;
    char **problems; /* if not applied: the error messages */
    size_t problem_count;
};
typedef void config_reload_callback(void *state, const struct config_reload_report *report);

/* What a reload reads and what it changes. All of it belongs to the server. */
struct config_reload_context {
    const struct server_options *options;
    bool once;                           /* its file cannot be read again */
    const int *end_signals;              /* signals that cancel the reload; 0 ends the list */
    const struct config *started;        /* the configuration at the start of the server */
    struct effective_config **effective; /* in use; replaced at the end of the reload */
    struct reply **reply; /* in use; replaced if the messages or the mode have changed */
    struct kernel_offload *offload;
    struct admission_updates *admission;
    struct admission_rules *rules; /* in use; replaced, and their access list is freed */
    struct worker *const *workers;
    size_t worker_count;
    struct jobs *jobs;
    struct subscriptions *subscriptions;
    struct mailbox *reply_mailbox;
    struct control_socket *control, *observers;
    struct state_snapshots *snapshots; /* NULL: none are written */
    struct metrics_server *metrics;    /* NULL: none are served */
};

/* Logs the result and calls done, at once or later in the thread of the server's loop: when all
 * workers use the new configuration, or when the reload is refused. */
void config_reload(const struct config_reload_context *target, config_reload_callback *done,
                   void *state);

#endif
