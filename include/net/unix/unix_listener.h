#ifndef NET_UNIX_UNIX_LISTENER_H
#define NET_UNIX_UNIX_LISTENER_H

#include "os/process/privilege.h"

#include <stddef.h>
#include <sys/types.h>

/* Listening Unix sockets: creating the socket file safely, accepting connections, removing the
 * file. */

/* Listens, non-blocking, on a Unix socket at path. The file has its mode from its creation on, and
 * has the owner's user and group (-1: those of the process) before a client can connect.
 *
 * The owner may be permitted to write to the directory, so that it can remove the file again. Files
 * that it puts there give it no further access: no link is followed, and only the socket that was
 * just made is given to the owner.
 *
 * A socket file whose server has ended is replaced. One of a live server is not (-EADDRINUSE), nor
 * is a file of another kind at PATH or PATH.lock (-EEXIST). If several processes start at the same
 * time on one path, one succeeds; PATH.lock exists meanwhile (net/unix/listener_lock), and if
 * another process holds it for more than a second, the result is -EALREADY.
 *
 * Changes the umask of the process for a moment: call it while no other thread makes files. Returns
 * the descriptor or -errno (-ENAMETOOLONG: over 107 bytes). */
int unix_listener_open(const char *path, mode_t mode, const struct identity *owner);

/* The same without waiting: -EALREADY at once if another process holds the lock. */
int unix_listener_open_at_once(const char *path, mode_t mode, const struct identity *owner);

/* Closes a listener and removes its file, unless another process listens there now. If the
 * directory is no longer writable, the file stays, and the next server replaces it. */
void unix_listener_close_and_remove(int listener, const char *path);

/* Removes a socket file at whose path no process listens, if the directory is writable. */
void unix_listener_remove_stale(const char *path);

/* Closes a listener whose file has been removed, or belongs to another process now. */
void unix_listener_close(int listener);

/* Accepts one connection, non-blocking. Returns the descriptor or -errno (-EAGAIN: none waits). */
int unix_listener_accept(int listener);

/* Sends the reason to a client that was just accepted and will not be served, if the kernel accepts
 * all of it at once, and closes the connection. */
void unix_listener_reject(int fd, const void *reason, size_t size);

#endif
