#ifndef SERVER_SERVER_SIGNALS_H
#define SERVER_SERVER_SIGNALS_H

#include "server/server_state.h"

/* Signals, reloads and upgrades: SIGHUP reloads the configuration; SIGUSR2 upgrades the server;
 * SIGTERM or SIGINT stops the server, and a second SIGTERM or SIGINT makes it exit at once. */

/* Keeps SIGHUP, also under nohup(1), and SIGUSR2 pending until server_signals_open: a reload or an
 * upgrade that is requested during the start takes place after it. Call it before the configuration
 * is read. */
void server_signals_hold_reload(void);

/* Keeps SIGTERM and SIGINT pending until server_signals_open, so that no socket file remains. Call
 * it before the first socket is opened. */
void server_signals_hold_stop(void);

/* Handles the signals in the server's event loop. Returns 0 or -errno. */
int server_signals_open(struct server *server);

/* Upgrades the server, and calls done, at once or later. state is the struct server. */
void server_upgrade(void *state, upgrade_callback *done, void *done_state);

/* Reloads the configuration, and calls done, at once or later. state is the struct server. */
void server_reload(void *state, config_reload_callback *done, void *done_state);

#endif
