#ifndef SERVER_CONTROL_COMMAND_LOG_H
#define SERVER_CONTROL_COMMAND_LOG_H

#include "os/log/log.h"
#include "server/control/command_parser.h"

#include <stddef.h>

struct control_session;

/* The log of the operators' and observers' commands: each line has the uid, gid and pid of the
 * peer. */

/* Logs a command with its first argument: at level info if it changes something, otherwise at level
 * debug. Does nothing for a command that logs itself. */
void command_log_write(const struct control_session *session, const struct control_command *command,
                       const char *arguments);

enum { COMMAND_LOG_PAIRS_MAX = 8 };

/* Logs, at level info, that the peer has run the command, with at most COMMAND_LOG_PAIRS_MAX pairs
 * and the peer's uid, gid and pid. For commands that log themselves. */
void command_log_write_pairs(const struct control_session *session, const char *name,
                             const struct log_pair *pairs, size_t count);

/* Logs, rate limited, that an observer was refused a command. */
void command_log_write_refused(const struct control_session *session,
                               const struct control_command *command);

#endif
