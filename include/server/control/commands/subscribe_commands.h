#ifndef SERVER_CONTROL_COMMANDS_SUBSCRIBE_COMMANDS_H
#define SERVER_CONTROL_COMMANDS_SUBSCRIBE_COMMANDS_H

struct control_session;

/* The operator's commands that subscribe to what clients say and to what happens: listen, events.
 * Their answer lasts until the peer closes the session (server/events/subscriptions). state is a
 * struct command_context. */
void control_command_listen(void *state, struct control_session *session, char *arguments);
void control_command_events(void *state, struct control_session *session, char *arguments);

#endif
