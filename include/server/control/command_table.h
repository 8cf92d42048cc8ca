#ifndef SERVER_CONTROL_COMMAND_TABLE_H
#define SERVER_CONTROL_COMMAND_TABLE_H

#include "server/broadcast/broadcast_jobs.h"
#include "server/config/config_reload.h"
#include "server/control/control_sessions.h"
#include "server/control/worker_queries.h"

#include <stddef.h>

/* What the operator may ask of the server: the table of commands. */

/* What commands work on; all of it is the server's and outlives them. */
struct command_table {
    struct worker_query_service datagram_decider; /* first: the table's state is the one of
                                                     server/control/worker_queries, too */
    struct jobs *jobs;
    void *server;
    void (*reload)(void *server, reload_done *done, void *state); /* calls done at once or later */
    void (*stop)(void *server);
};

/* The table, whose state is a struct command_table. */
const struct control_command *command_table_rows(size_t *count);

#endif
