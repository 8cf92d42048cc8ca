#ifndef CTL_GATEWAY_GATEWAY_COMMAND_H
#define CTL_GATEWAY_GATEWAY_COMMAND_H

#include "ctl/options.h"

/* The command `gateway`: JSON lines of requests from standard input to the server, and of messages,
 * events and results from the server to standard output. It ends when its input has ended and each
 * request has its result. Returns the exit status. */
int command_gateway(const struct ctl_options *options);

#endif
