#ifndef SERVER_CONTROL_SESSION_EVICTION_H
#define SERVER_CONTROL_SESSION_EVICTION_H

#include "server/control/control_state.h"

#include <stdbool.h>

/* Closes sessions when all of them, or all descriptors, are in use. */

/* Frees a place and a descriptor. Closes the session that is idle for the longest time, with the
 * error line why. If there is none but newcomer (may be NULL), closes the longest session whose
 * peer does not read its answer. Returns false if all other sessions are running commands. */
bool session_eviction_make_room(const struct control *control,
                                const struct control_session *newcomer, const char *why);

/* Whether so many sessions are running commands that one which may wait long must be refused. The
 * rest is reserved for commands that query and cancel. */
bool control_is_busy(const struct control_session *session);

#endif
