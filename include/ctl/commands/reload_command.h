#ifndef CTL_COMMANDS_RELOAD_COMMAND_H
#define CTL_COMMANDS_RELOAD_COMMAND_H

#include "ctl/options.h"

/* The command `reload`. Returns the exit status. */

int command_reload(const struct ctl_options *options);

#endif
