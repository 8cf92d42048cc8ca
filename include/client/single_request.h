#ifndef CLIENT_SINGLE_REQUEST_H
#define CLIENT_SINGLE_REQUEST_H

#include "client/options.h"
#include "client/peer.h"

/* Runs udpcli with a MESSAGE: sends it as often as --count asks, each time waits for the reply,
 * with retries, and prints it. If an address refuses or is silent before any reply was received,
 * the next address is used. Errors are printed to stderr. Returns the program's exit status. */
int single_request_run(const struct client_options *options, struct peer_addresses *addresses);

#endif
