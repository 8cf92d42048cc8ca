#ifndef SERVER_CONTROL_SESSION_EVICTION_H
#define SERVER_CONTROL_SESSION_EVICTION_H

#include "server/control/control_state.h"

#include <stdbool.h>

/* Closes sessions when all of them, or all descriptors, are in use. */

/* Frees a place and a descriptor. Closes the session that has been idle for the longest time, with
 * the error line why. If no session but newcomer (may be NULL) is idle, closes instead the least
 * recently used session whose peer does not read its answer; if there is none of those, newcomer
 * itself. Returns false if none could be closed, since all sessions are running commands. */
bool session_eviction_close_idle(const struct control *control,
                                 const struct control_session *newcomer, const char *why);

/* Frees a descriptor for another socket, whose sessions are more important: closes a session as
 * above or, if there is no such session, the least recently used one whatever it does. Returns
 * false if there are no sessions. */
bool session_eviction_close_any(const struct control *control, const char *why);

/* Whether more than CONTROL_SESSIONS_MAX - CONTROL_SESSIONS_RESERVED sessions are running commands,
 * so that a command that may take long must be refused. The other sessions are reserved for
 * commands that query and cancel. */
bool control_is_busy(const struct control_session *session);

#endif
