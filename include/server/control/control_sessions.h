#ifndef SERVER_CONTROL_CONTROL_SESSIONS_H
#define SERVER_CONTROL_CONTROL_SESSIONS_H

#include "net/unix/unix_peer.h"
#include "os/log/log.h"
#include "server/control/command_parser.h"
#include "server/control/control_answer.h"
#include "server/control/control_state.h"

#include <stdbool.h>
#include <stddef.h>

/* The sessions of operators and observers: each reads command lines, runs one command at a time,
 * and ends. */

/* Opens a session on a connection of an authorized peer; takes the descriptor over. Returns NULL
 * when memory is short. */
struct control_session *control_session_open(struct control *control, int fd,
                                             const struct unix_peer *peer);

/* Sends what was written, as far as the kernel accepts it at once, and closes the connection. */
void control_session_close(struct control_session *session);

/* Sends an error line and closes the session. */
void control_session_close_with_error(struct control_session *session, const char *why);

/* Closes the connection of a session whose command still runs. The command frees the session when
 * it ends. */
void control_session_detach(struct control_session *session);

/* Ends the answer of a command. Call it once for each command; the caller must not use the session
 * any more. Until then what was written may stay buffered. */
void control_end(struct control_session *session);

/* Instead of control_end: closes the connection without the last line of the answer, so that the
 * peer sees that the answer is incomplete. */
void control_abort(struct control_session *session);

/* Has the running command receive the further lines of its session, until it ends. */
void control_read_lines(struct control_session *session, const struct control_lines *lines);

/* Stop and resume the delivery of these lines, so that a peer that sends too fast has to wait. Both
 * may be repeated, also from the callback. */
void control_pause_lines(struct control_session *session);
void control_resume_lines(struct control_session *session);

/* Ends the delivery of these lines; what follows is for the next command. */
void control_stop_lines(struct control_session *session);

/* control_error and control_end, for a command that is refused. */
void control_refuse(struct control_session *session, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Whether the session is one of the observers' socket. */
bool control_is_observer(const struct control_session *session);

/* The command `help`, a row of the table: lists the commands that the session may run. */
void control_command_help(void *state, struct control_session *session, char *arguments);

#endif
