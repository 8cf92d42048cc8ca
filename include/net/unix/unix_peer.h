#ifndef NET_UNIX_UNIX_PEER_H
#define NET_UNIX_UNIX_PEER_H

#include "os/process/privilege.h"

#include <sys/types.h>

/* The process at the other end of a Unix socket, and whether it is permitted to connect. */

/* The credentials at the time of connect (SO_PEERCRED, unix(7)). */
struct unix_peer {
    pid_t pid; /* 0: a process of another PID namespace, which is not visible here */
    uid_t uid;
    gid_t gid;
};

/* Checks the peer of an accepted connection: permitted are root and the owner, members of the
 * owner's group if mode lets the group write, and everyone if mode lets others write. The kernel
 * checks the mode of the file in the same way; this check uses the mode that was configured, even
 * if the file has got another one since. Returns 0 or -EACCES, both with *peer filled in, or
 * another -errno. */
int unix_peer_authorize(int fd, mode_t mode, const struct identity *owner, struct unix_peer *peer);

#endif
