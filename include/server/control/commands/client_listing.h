#ifndef SERVER_CONTROL_COMMANDS_CLIENT_LISTING_H
#define SERVER_CONTROL_COMMANDS_CLIENT_LISTING_H

#include "server/control/commands/worker_query.h"

/* The commands `clients` and `count`: the list and the number of the clients that match a selector.
 * state is a struct command_context. */
void control_command_clients(void *state, struct control_session *session, char *arguments);
void control_command_count(void *state, struct control_session *session, char *arguments);

/* Writes the line of one client. */
void client_listing_write(const struct worker_query_context *context,
                          struct control_session *session, const struct client *client);

#endif
