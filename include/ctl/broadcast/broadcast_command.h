#ifndef CTL_BROADCAST_BROADCAST_COMMAND_H
#define CTL_BROADCAST_BROADCAST_COMMAND_H

#include "ctl/options.h"

/* The command `broadcast`: sends an operand, the bytes of --hex, or each line of --stdin until one
 * fails. Returns the exit status, which is 1 also if the job was cancelled. */
int broadcast_command_run(const struct ctl_options *options);

#endif
