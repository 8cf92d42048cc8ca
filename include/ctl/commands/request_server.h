#ifndef CTL_COMMANDS_REQUEST_SERVER_H
#define CTL_COMMANDS_REQUEST_SERVER_H

#include "ctl/options.h"

/* The commands `status`, `stats`, `offload` and `stop`. Each returns the exit status. */

int command_status(const struct ctl_options *options);
int command_stats(const struct ctl_options *options);
int command_offload(const struct ctl_options *options);
int command_stop(const struct ctl_options *options);

#endif
