#ifndef CTL_COMMANDS_COMMAND_DISPATCH_H
#define CTL_COMMANDS_COMMAND_DISPATCH_H

#include "ctl/options.h"

/* The table of udpctl's commands: their help, their arguments and options, and the functions that
 * run them. */

/* Checks the operands and options of the command that the command line names, and runs it. Returns
 * the exit status. */
int command_dispatch_run(const struct ctl_options *options);

/* Returns the form of command i of the table; NULL after the last one. */
const struct option_command *command_dispatch_get(size_t i);

/* Prints the commands for the help, one per line. */
void command_dispatch_print_list(FILE *out);

#endif
