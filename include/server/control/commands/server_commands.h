#ifndef SERVER_CONTROL_COMMANDS_SERVER_COMMANDS_H
#define SERVER_CONTROL_COMMANDS_SERVER_COMMANDS_H

struct control_session;

/* The operator's commands about the server itself: status, stats, offload, reload, upgrade, stop.
 * state is a struct command_context. */
void control_command_status(void *state, struct control_session *session, char *arguments);
void control_command_stats(void *state, struct control_session *session, char *arguments);
void control_command_offload(void *state, struct control_session *session, char *arguments);
void control_command_reload(void *state, struct control_session *session, char *arguments);
void control_command_upgrade(void *state, struct control_session *session, char *arguments);
void control_command_stop(void *state, struct control_session *session, char *arguments);

#endif
