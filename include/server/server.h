#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "server/options.h"

/* Runs the whole server: reads the configuration, starts, serves until a signal or a command stops
 * it, and stops. Errors are logged. Returns the exit status of the process: 0, 1 when it could not
 * start or has failed, 78 when the configuration is wrong. It keeps no state: after it has returned
 * it may be called again. */
int server_run(const struct server_options *options);

#endif
