#ifndef OS_FILE_CONTROL_PATH_H
#define OS_FILE_CONTROL_PATH_H

#include "os/process/privilege.h"

#include <stddef.h>

enum {
    CONTROL_PATH_BYTES = 108, /* the longest path of a Unix socket, its NUL included: unix(7) */
};

/* The control socket's built-in place, the same for the server and its operator: root has
 * /run/udpsrv/udpsrv.sock, others $XDG_RUNTIME_DIR/udpsrv.sock or, without that variable,
 * /tmp/udpsrv-UID/udpsrv.sock. 0 or -ENAMETOOLONG. */
int control_path_built_in(char *path, size_t room);

/* Makes the directory of socket_path if it is a built-in one: /run/udpsrv 0755, or /tmp/udpsrv-UID
 * 0700. Any other is the operator's own and left alone. One that stands already must be a
 * directory: that in /run is given to the owner that we are going to be (who is -1 in it: to us),
 * and must not be writable by group or others; that in /tmp must be ours, and nobody else may enter
 * it. 0 or -errno (-ENOTDIR: a symbolic link or a file is in its place; -EPERM: somebody else's, or
 * open to others). */
int control_path_make_directory(const char *socket_path, const struct identity *owner);

/* For who connects: whether the directory, if it is the built-in one in /tmp, is ours alone, so
 * that what answers there is ours, too. 0 or -errno (-EPERM: it is somebody else's or open to
 * others). */
int control_path_check_directory(const char *socket_path);

#endif
