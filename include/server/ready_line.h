#ifndef SERVER_READY_LINE_H
#define SERVER_READY_LINE_H

#include "server/server_state.h"

/* The line "udpsrv: ready ADDRESS..." on standard output, by which the program that started the
 * server learns the addresses. */

/* Starts to write the line, and logs that the server is ready. If the line cannot be written, that
 * is logged later, and the server stops. Returns 0 or -errno. */
int ready_line_start(struct server *server);

#endif
