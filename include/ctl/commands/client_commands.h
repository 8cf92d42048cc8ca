#ifndef CTL_COMMANDS_CLIENT_COMMANDS_H
#define CTL_COMMANDS_CLIENT_COMMANDS_H

#include "ctl/options.h"

/* The commands `clients`, `client` and `kick`. Each returns the exit status. */

int command_clients(const struct ctl_options *options);
int command_client(const struct ctl_options *options);
int command_kick(const struct ctl_options *options);

#endif
