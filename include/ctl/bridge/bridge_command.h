#ifndef CTL_BRIDGE_BRIDGE_COMMAND_H
#define CTL_BRIDGE_BRIDGE_COMMAND_H

#include "ctl/options.h"

/* The command `bridge`: checks its options, reads the password, and runs the bridge. Returns the
 * exit status. */
int command_bridge(const struct ctl_options *options);

#endif
