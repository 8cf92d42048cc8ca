#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include "ctl/options.h"

/* Runs the command that the command line names. Returns the exit status. */
int command_run(const struct ctl_options *options);

/* Command i of the table, NULL behind the last one. */
const struct option_command *command_form(size_t i);

/* Prints the commands, a line each. */
void command_list(FILE *out);

#endif
