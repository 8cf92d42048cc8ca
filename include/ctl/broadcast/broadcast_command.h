#ifndef CTL_BROADCAST_BROADCAST_COMMAND_H
#define CTL_BROADCAST_BROADCAST_COMMAND_H

#include "ctl/options.h"

/* `broadcast`: an operand, the bytes of --hex, or each line of --stdin, one after the other, up to
 * the first that fails. Returns the exit status: 1 also for a job that was cancelled. */
int broadcast_command_run(const struct ctl_options *options);

#endif
