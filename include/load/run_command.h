#ifndef LOAD_RUN_COMMAND_H
#define LOAD_RUN_COMMAND_H

#include "load/options.h"

/* Runs the measurement that the command line asks for, from looking the target up to the reports.
 * Returns the exit status of the program; errors are printed on standard error. */
int run_command(struct load_options *options);

#endif
