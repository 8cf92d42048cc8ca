#ifndef SERVER_CONTROL_CONTROL_ROLE_H
#define SERVER_CONTROL_CONTROL_ROLE_H

#include "config/config.h"
#include "os/log/log.h"
#include "server/control/command_parser.h"

#include <stdint.h>

/* The two sockets of the server that take commands: the control socket of operators
 * (control.socket), and the one of observers (control.observer-socket), whose sessions may run only
 * commands that change nothing. Each has settings, sessions, limits and messages of its own, so
 * that observers can neither evict operators nor keep their warnings out of the log. */
struct control_role {
    enum command_access access; /* of its sessions */

    /* For the log and for messages. */
    const char *open_failed;
    const char *bad_place; /* what to do about a path where it cannot be opened, */
    const char *in_use;    /* or where another process listens, */
    const char *not_writable;
    const char *not_owned;
    const char *not_removable;
    const char *lost, *restored; /* its file */
    const char *restored_advice;
    const char *group_failed, *group_unknown, *group_advice;
    const char *no_connection, *no_session; /* short of descriptors, of memory */
    const char *denied, *denied_advice;     /* a user without permission to connect */
    const char *denied_answer;              /* a whole answer, for that user */
    const char *command;                    /* a command was run */
    enum log_kind kind_shortage, kind_denied, kind_lost, kind_restored;
};

extern const struct control_role CONTROL_OPERATORS, CONTROL_OBSERVERS;

/* The settings of a socket. The strings are those of the configuration. */
struct control_settings {
    const char *path;  /* NULL: operators use the built-in one; or CONFIG_CONTROL_OFF */
    const char *group; /* NULL: that of the process */
    uint32_t mode;
};
struct control_settings control_role_settings(const struct control_role *role,
                                              const struct config *config);

#endif
