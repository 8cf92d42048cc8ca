#ifndef SERVER_UPGRADE_TAKE_OVER_H
#define SERVER_UPGRADE_TAKE_OVER_H

#include "base/handover.h"
#include "server/server_state.h"

/* What this process takes over from its predecessor: the records of server/upgrade/hand_over, each
 * read by the part of the server that has written it. Errors are logged. */

/* Reads the first package, before any socket is opened. Returns 0 or -errno. */
int take_over_first(struct server *server, struct handover_reader *reader);

/* Reads the second package, before the workers are started. Returns 0 or -errno. */
int take_over_second(struct server *server, struct handover_reader *reader);

#endif
