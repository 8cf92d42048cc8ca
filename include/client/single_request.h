#ifndef CLIENT_SINGLE_REQUEST_H
#define CLIENT_SINGLE_REQUEST_H

#include "client/options.h"
#include "client/peer.h"

/* Sends the message as often as was asked for, each time waiting for its reply, which is printed.
 * An address that refuses, or is silent, before any reply came is passed over for the next.
 * Complaints go to stderr. Returns the program's exit status. */
int single_request_run(const struct client_options *options, struct peers *peers);

#endif
