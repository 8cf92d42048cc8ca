#ifndef CTL_COMMANDS_REQUEST_SEND_H
#define CTL_COMMANDS_REQUEST_SEND_H

#include "ctl/options.h"

/* The command `send`, a message to one client. Returns the exit status: 1 if the kernel refused the
 * message, too. */

int command_send(const struct ctl_options *options);

#endif
