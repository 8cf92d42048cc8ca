#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "server/options.h"

/* The whole server: starts, runs until it is told to stop, stops. Errors are logged. Returns the
 * exit status of the process: 0, 1 when it can't start or broke, 78 when the configuration is
 * wrong. */
int server_run(const struct server_options *options);

#endif
