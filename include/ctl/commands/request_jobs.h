#ifndef CTL_COMMANDS_REQUEST_JOBS_H
#define CTL_COMMANDS_REQUEST_JOBS_H

#include "ctl/options.h"

/* The commands `jobs`, `job`, `cancel` and `streams`, about broadcasts. Each returns the exit
 * status. */

int command_jobs(const struct ctl_options *options);
int command_job(const struct ctl_options *options);
int command_cancel(const struct ctl_options *options);
int command_streams(const struct ctl_options *options);

#endif
