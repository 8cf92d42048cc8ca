#ifndef CLIENT_LINE_SESSION_H
#define CLIENT_LINE_SESSION_H

#include "client/options.h"
#include "client/peer.h"

/* Runs udpcli without a MESSAGE, on a pipe or interactively: sends each line of standard input as a
 * message and prints everything received, until the end of the input or the line "exit", and then
 * until the last replies arrive or time out. If an address refuses, or is silent, before anything
 * was received, the next address is used, and the waiting requests are sent to it again. Errors are
 * printed to stderr. Returns the program's exit status. */
int line_session_run(const struct client_options *options, struct peer_addresses *addresses);

#endif
