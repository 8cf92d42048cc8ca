#ifndef CTL_COMMANDS_REQUEST_UPGRADE_H
#define CTL_COMMANDS_REQUEST_UPGRADE_H

#include "ctl/options.h"

/* The command `upgrade`: has the server start the program that is installed now, and waits until
 * that serves in its place, or the server says why it goes on itself. Returns the exit status. */
int command_upgrade(const struct ctl_options *options);

#endif
