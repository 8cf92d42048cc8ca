#ifndef SERVER_CONTROL_COMMANDS_JOB_CLIENTS_H
#define SERVER_CONTROL_COMMANDS_JOB_CLIENTS_H

#include "server/control/commands/command_context.h"

#include <stdint.h>

/* The lists of the command `job`: the clients that got a frame of a confirmed broadcast and have
 * confirmed it, or have not, as far as they are registered still. The list is of the moment: after
 * the end of the broadcast, whose counts do not change any more, clients may still confirm. */

/* Answers the command with the list of that name, "silent" or "confirmed". */
void job_clients_list(struct command_context *context, struct control_session *session, uint64_t id,
                      const char *list);

#endif
