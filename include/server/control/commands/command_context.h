#ifndef SERVER_CONTROL_COMMANDS_COMMAND_CONTEXT_H
#define SERVER_CONTROL_COMMANDS_COMMAND_CONTEXT_H

#include "server/broadcast/broadcast_jobs.h"
#include "server/config/config_reload.h"
#include "server/config/effective_config.h"
#include "server/control/commands/worker_query.h"
#include "server/publish/publish_gaps.h"
#include "server/publish/publish_queue.h"
#include "server/upgrade/upgrade_report.h"

/* The state that is passed to each command of the operator. All of it belongs to the server and
 * outlives the commands. */
struct command_context {
    struct worker_query_context queries;
    struct jobs *jobs;
    struct publish_queue *publishes;
    struct publish_gaps *gaps;
    struct effective_config *const *config; /* of the moment */
    const char *control_path;               /* of the control socket; "off": there is none */
    void *server;
    void (*reload)(void *server, config_reload_callback *done,
                   void *state); /* calls done, at once or later */
    void (*upgrade)(void *server, upgrade_callback *done, void *state); /* likewise */
    void (*stop)(void *server);
};

#endif
