#ifndef SERVER_CONTROL_COMMANDS_CLIENT_COMMANDS_H
#define SERVER_CONTROL_COMMANDS_CLIENT_COMMANDS_H

struct control_session;

/* The operator's commands about one client: client, kick; kick also removes all clients that match
 * a selector. state is a struct command_context. */
void control_command_client(void *state, struct control_session *session, char *arguments);
void control_command_kick(void *state, struct control_session *session, char *arguments);

#endif
