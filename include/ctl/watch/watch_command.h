#ifndef CTL_WATCH_WATCH_COMMAND_H
#define CTL_WATCH_WATCH_COMMAND_H

#include "ctl/options.h"

/* `watch`: looks at the server each second, and draws what it sees or, where nothing can be drawn,
 * prints a line. It goes on while the server is away. Returns the exit status: 0, or 1 if the
 * server was away at the end of a stated count, or the terminal is of no use. */
int watch_command_run(const struct ctl_options *options);

#endif
