#ifndef CTL_COMMANDS_REQUEST_RELOAD_H
#define CTL_COMMANDS_REQUEST_RELOAD_H

#include "ctl/options.h"

/* The command `reload`. Returns the exit status. */

int command_reload(const struct ctl_options *options);

#endif
