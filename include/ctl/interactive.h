#ifndef CTL_INTERACTIVE_H
#define CTL_INTERACTIVE_H

#include "ctl/options.h"

#include <stdbool.h>

/* Whether a person is there who can be asked for commands. */
bool interactive_is_possible(void);

/* Asks for commands until `quit`, Ctrl-D or Ctrl-C, and runs each as if it stood on the command
 * line behind the options of argv, of argc words, which were read into options. A command that
 * fails says so, and the next one is asked for. Returns the exit status: 0, 128 + the number of a
 * signal that ended it (Ctrl-C is SIGINT), or 1 if the terminal is of no use. */
int interactive_run(const struct ctl_options *options, int argc, char **argv);

#endif
