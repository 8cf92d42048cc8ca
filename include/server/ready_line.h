#ifndef SERVER_READY_LINE_H
#define SERVER_READY_LINE_H

#include "server/server_state.h"

/* The line "udpsrv: ready ADDRESS..." on standard output, by which the program that started the
 * server learns the addresses. */

/* Starts to write the line. If the line cannot be written, that
 * is logged later, and the server stops. Returns 0 or -errno. */
int ready_line_start(struct server *server);

/* Logs that the server is ready. */
void ready_line_log(const struct server *server);

#endif
