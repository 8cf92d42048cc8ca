#ifndef SERVER_UPGRADE_SUCCESSOR_H
#define SERVER_UPGRADE_SUCCESSOR_H

#include "server/server_state.h"

/* An upgrade, as seen by the process that takes over: steps of its start, which do nothing in a
 * process that was started otherwise. Until it has to serve, it changes nothing that is the
 * predecessor's, and it ends when that process ends. */

/* The environment variable with the number of the channel to the predecessor. */
#define SUCCESSOR_VARIABLE "UDPSRV_UPGRADE"

/* Finds out whether this process is a successor. Call it before the first thread starts. Returns 0,
 * or -errno after a message was printed. */
int successor_init(struct server *server);

/* Reads the first package, and names the socket files that this process creates. Returns 0, or
 * -errno after it was logged. */
int successor_receive(struct server *server);

/* Says that this process could take over, reads the second package, and waits until it has to
 * serve. Everything that can fail has to be done before, since afterwards no process would serve.
 * Returns 0, or -errno after it was logged. */
int successor_take_over(struct server *server);

/* Says that this process, a successor, serves. When the predecessor has left, the service manager
 * is notified. */
void successor_serve(struct server *server);

/* Reports to the predecessor why this process cannot take over, and ends this process without any
 * other effect. NULL: the error that was logged last. */
_Noreturn void successor_fail(struct server *server, const char *reason);

#endif
