#ifndef SERVER_CONTROL_COMMANDS_JOB_COMMANDS_H
#define SERVER_CONTROL_COMMANDS_JOB_COMMANDS_H

struct control_session;

/* The operator's commands about broadcasts: broadcast, jobs, job, cancel, and streams, the publish
 * streams that are remembered. state is a struct command_context. */
void control_command_broadcast(void *state, struct control_session *session, char *arguments);
void control_command_jobs(void *state, struct control_session *session, char *arguments);
void control_command_job(void *state, struct control_session *session, char *arguments);
void control_command_cancel(void *state, struct control_session *session, char *arguments);
void control_command_streams(void *state, struct control_session *session, char *arguments);

#endif
