#ifndef CTL_COMMANDS_REQUEST_CONFIG_H
#define CTL_COMMANDS_REQUEST_CONFIG_H

#include "ctl/options.h"

/* The command `config`: prints the server's configuration in effect as a file that can be read
 * again, with the values that wait for a restart as comments; or as a JSON object with a member for
 * each key. Nothing is printed unless the answer is complete. Returns the exit status. */

int command_config(const struct ctl_options *options);

#endif
