#ifndef SERVER_SERVER_START_H
#define SERVER_SERVER_START_H

#include "server/server_state.h"

/* The start of the server, step by step: user, sockets, memory, control sockets, privileges,
 * threads, ready line. */

/* Takes all steps in order. The configuration is read already. Errors are logged. Returns 0 or
 * -errno; either way server_free is needed, after server_stop if workers run. */
int server_start(struct server *server);

#endif
