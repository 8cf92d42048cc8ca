#ifndef SERVER_CONTROL_COMMANDS_SEND_COMMAND_H
#define SERVER_CONTROL_COMMANDS_SEND_COMMAND_H

struct control_session;

/* The operator's command `send`: one message to one client (server/gateway/send_batch). state is a
 * struct command_context. */
void control_command_send(void *state, struct control_session *session, char *arguments);

#endif
