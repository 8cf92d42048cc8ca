#ifndef CTL_WATCH_WATCH_COMMAND_H
#define CTL_WATCH_WATCH_COMMAND_H

#include "ctl/options.h"

/* The command `watch`: polls the server each second, and draws the screen on a terminal or prints a
 * line. It continues while the server is down. Returns the exit status: 0, 1 if the server was down
 * at the end of --count or the terminal can't be used, or 128 + the number of a signal. */
int watch_command_run(const struct ctl_options *options);

#endif
