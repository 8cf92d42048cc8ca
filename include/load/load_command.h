#ifndef LOAD_LOAD_COMMAND_H
#define LOAD_LOAD_COMMAND_H

#include "load/options.h"

/* Does what the command line asks for. Returns the program's exit status; complaints go to stderr.
 */
int load_command_run(struct load_options *options);

#endif
