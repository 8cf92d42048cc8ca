#ifndef CTL_INTERACTIVE_INTERACTIVE_SESSION_H
#define CTL_INTERACTIVE_INTERACTIVE_SESSION_H

#include "ctl/options.h"

#include <stdbool.h>

/* The interactive mode of udpctl: a prompt that reads commands from the terminal and runs them. */

/* Whether standard input and output are a terminal that can edit lines. */
bool interactive_session_is_possible(void);

/* Reads commands until `quit`, Ctrl-D or Ctrl-C. Runs each one as if it followed the argc words of
 * argv on the command line; options is the result of parsing those. The session continues after a
 * command that fails. Returns the exit status: 0, 128 + the number of a signal that ended it
 * (Ctrl-C is SIGINT), or 1 if the terminal can't be used. */
int interactive_session_run(const struct ctl_options *options, int argc, char **argv);

#endif
