#ifndef CTL_EVENTS_SUBSCRIPTION_H
#define CTL_EVENTS_SUBSCRIPTION_H

#include "ctl/options.h"

/* The commands `listen` and `events`, which print a line for each message or event until COUNT of
 * them are printed, the server ends, or a signal ends the program. Each returns the exit status. */

int command_listen(const struct ctl_options *options);
int command_events(const struct ctl_options *options);

#endif
