#ifndef NET_UNIX_STALE_SOCKET_H
#define NET_UNIX_STALE_SOCKET_H

#include <sys/un.h>

/* Removes the file of a Unix socket whose server has ended, as after kill -9: nothing accepts
 * connections there any more. Does nothing if there is no file. Returns 0, or -errno (-EADDRINUSE:
 * a process listens there; -EEXIST: the file is not a socket). The caller holds the lock of the
 * path (net/unix/listener_lock). */
int stale_socket_remove(const struct sockaddr_un *address);

#endif
