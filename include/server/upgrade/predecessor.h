#ifndef SERVER_UPGRADE_PREDECESSOR_H
#define SERVER_UPGRADE_PREDECESSOR_H

#include "server/server_state.h"

/* An upgrade, as seen by the process that runs: it starts the program at the path that it was
 * started from itself, hands its sockets and clients over to that process, the successor, and
 * leaves. Whatever goes wrong before the successor serves, this process goes on.
 *
 * 1. The successor reads its configuration and opens what it needs, with the first package. This
 *    process serves meanwhile; the successor has 10 seconds.
 * 2. This process holds its workers, and writes the second package. The successor reads it, and
 * says that it has started.
 * 3. This process says that the successor has to serve, and leaves.
 *
 * Used by the main thread. */

/* Notes the program that this process was started from, and the signals that stop the server, of
 * which 0 ends the list. Call it before privileges are given up. */
void predecessor_init(struct predecessor *predecessor, const int *stop_signals);

/* Begins an upgrade. Logs its end and calls done: at once if it is refused, later if it fails or
 * the server is stopped; or, if it succeeds, before this process ends. */
void predecessor_start(struct server *server, upgrade_callback *done, void *state);

/* Has to be called when SIGCHLD was received. */
void predecessor_on_child(struct server *server);

/* SIGHUP was received while an upgrade runs: the process that serves after it reloads. */
void predecessor_reload_later(struct predecessor *predecessor);

/* Ends an upgrade that runs: the server is to be stopped. */
void predecessor_cancel(struct server *server);

/* Calls done when the program of an upgrade that failed or was cancelled has ended, at once if none
 * runs, or after 1 s: until then it may have the sockets and the locks of this process, whose files
 * would stay, and whose addresses the next server could not have. Call it when the server has
 * stopped, at most once. */
void predecessor_await_end(struct server *server, predecessor_callback *done);

#endif
