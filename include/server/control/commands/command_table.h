#ifndef SERVER_CONTROL_COMMANDS_COMMAND_TABLE_H
#define SERVER_CONTROL_COMMANDS_COMMAND_TABLE_H

#include "server/control/command_parser.h"
#include "server/control/commands/command_context.h"

#include <stddef.h>

/* Returns the table of commands, whose state is a struct command_context. */
const struct control_command *command_table_rows(size_t *count);

#endif
