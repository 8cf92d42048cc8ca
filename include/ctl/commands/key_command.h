#ifndef CTL_COMMANDS_KEY_COMMAND_H
#define CTL_COMMANDS_KEY_COMMAND_H

#include "ctl/options.h"

/* The command key: prints the key of a named device, which it derives from the file of --key-file.
 * The daemon is not asked, so that no key ever passes a socket. Returns the exit status. */
int command_key(const struct ctl_options *options);

#endif
