#ifndef CTL_COMMANDS_REQUEST_CLIENTS_H
#define CTL_COMMANDS_REQUEST_CLIENTS_H

#include "ctl/options.h"

/* The commands `clients`, `client` and `kick`. Each returns the exit status. */

int command_clients(const struct ctl_options *options);
int command_client(const struct ctl_options *options);
int command_kick(const struct ctl_options *options);

/* Prints the table of the clients that the server lists in the answer to this command. Returns the
 * exit status. */
int command_clients_show(const struct ctl_options *options, const char *command);

#endif
