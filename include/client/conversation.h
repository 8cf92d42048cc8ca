#ifndef CLIENT_CONVERSATION_H
#define CLIENT_CONVERSATION_H

#include "client/options.h"
#include "client/peer.h"

/* Sends each line of standard input as a datagram and prints whatever comes, until the end of input
 * or the line "exit", and then until the last replies are there or given up. An address that
 * refuses, or is silent, before anything came is left for the next, which gets what waits once
 * more. On a terminal it prompts. Complaints go to stderr. Returns the program's exit status. */
int conversation_run(const struct client_options *options, struct peers *peers);

#endif
