#ifndef OS_FILE_CONTROL_PATH_H
#define OS_FILE_CONTROL_PATH_H

#include "os/process/privilege.h"

#include <stddef.h>

enum {
    CONTROL_PATH_BYTES = 108, /* the longest path of a Unix socket, its NUL included: unix(7) */
};

/* The default path of the control socket, the same for udpsrv and udpctl: /run/udpsrv/udpsrv.sock
 * for root, $XDG_RUNTIME_DIR/udpsrv.sock for other users or, without that variable,
 * /tmp/udpsrv-UID/udpsrv.sock. Returns 0 or -ENAMETOOLONG. */
int control_path_default(char *path, size_t capacity);

/* Makes the directory of socket_path if it is a default one: /run/udpsrv with mode 0755, or
 * /tmp/udpsrv-UID with mode 0700. Any other directory is the operator's own and is not changed. An
 * existing /run/udpsrv is given to owner, the identity that the server will run as (a uid or gid of
 * -1: the current one), and must not be writable by group or others. An existing /tmp/udpsrv-UID
 * must belong to this user and have no permissions for others. Returns 0 or -errno (-ENOTDIR: a
 * symbolic link or a file is in its place; -EPERM: it belongs to another user, or others have
 * permissions). */
int control_path_make_directory(const char *socket_path, const struct identity *owner);

/* For clients: checks that the directory, if it is the default one in /tmp, belongs to this user
 * and that others have no permissions. So a server there was started by this user. Returns 0 or
 * -errno (-EPERM: it belongs to another user, or others have permissions). */
int control_path_check_directory(const char *socket_path);

#endif
