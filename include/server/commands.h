#ifndef SERVER_COMMANDS_H
#define SERVER_COMMANDS_H

#include "server/control.h"
#include "server/inquiry.h"
#include "server/jobs.h"
#include "server/reload.h"

#include <stddef.h>

/* What the operator may ask of the server: the table of commands. */

/* What commands work on; all of it is the server's and outlives them. */
struct commands {
    struct inquiry_service service; /* first: the table's state is the one of server/inquiry, too */
    struct jobs *jobs;
    void *server;
    void (*reload)(void *server, reload_done *done, void *state); /* calls done at once or later */
    void (*stop)(void *server);
};

/* The table, whose state is a struct commands. */
const struct control_command *commands_table(size_t *count);

#endif
