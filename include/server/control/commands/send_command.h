#ifndef SERVER_CONTROL_COMMANDS_SEND_COMMAND_H
#define SERVER_CONTROL_COMMANDS_SEND_COMMAND_H

struct control_session;

/* The operator's command `send`: one message to one client. The workers are asked for the client
 * one after the other; if it is registered on several listeners, the message leaves by the one
 * that the client last sent to, so that it gets the message once. state is a struct
 * command_context. */
void control_command_send(void *state, struct control_session *session, char *arguments);

#endif
