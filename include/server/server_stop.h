#ifndef SERVER_SERVER_STOP_H
#define SERVER_SERVER_STOP_H

#include "server/server_state.h"

/* The end of the server: an orderly stop, an exit at once, and freeing everything that it owns. */

/* The signals that stop the server; 0 ends the list. */
extern const int SERVER_STOP_SIGNALS[];

/* Begins an orderly stop: the workers send what still waits and report their counters, and the
 * event loop ends with the last report. A worker that has not reported after a second makes the
 * process exit at once. A second call does nothing. */
void server_stop(struct server *server);

/* Opens the timer of an orderly stop. Returns 0 or -errno. */
int server_stop_open(struct server *server);

/* Logs the reason, removes the files of sockets, and exits with status 1 without waiting for the
 * workers. */
_Noreturn void server_exit_at_once(struct server *server, const char *why);

/* Logs the counters of the whole run. Call it after the loop has ended. */
void server_log_final_counters(const struct server *server);

/* Frees what was started, in the reverse order, whether the start succeeded or not. Waits for the
 * workers' threads. */
void server_free(struct server *server);

#endif
