#ifndef NET_SOCKET_UNIX_SOCKET_H
#define NET_SOCKET_UNIX_SOCKET_H

#include "os/process/privilege.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The two ends of a Unix socket, before and beside the loop. */

/* Listens, non-blocking, on a Unix socket at path. The file has its mode from the moment that it
 * exists, and its owner's user and group (those that are -1 stay ours) before anybody can connect.
 * An owner who may write the directory can remove it again, and can do no more than that by what he
 * puts there: nothing is followed, and nothing but our own socket is given away. A socket file
 * whose owner is gone is replaced; a live owner's is not (-EADDRINUSE), and neither is a file of
 * another kind, there or at PATH.lock (-EEXIST). Of several that start at once on one path, one
 * succeeds: a file PATH.lock exists meanwhile; where somebody holds that for more than a second, it
 * is -EALREADY. The process's umask is changed for a moment, so call it before other threads make
 * files. Returns the descriptor or -errno (-ENAMETOOLONG: over 107 bytes). */
int unix_socket_listen(const char *path, mode_t mode, const struct identity *owner);

/* The same for who must not wait: -EALREADY at once where somebody holds the lock. */
int unix_socket_listen_at_once(const char *path, mode_t mode, const struct identity *owner);

/* Closes a listener and removes its file, unless somebody else listens there by now. Where the
 * directory may no longer be written the file stays, and the next owner replaces it. */
void unix_socket_unlisten(int listener, const char *path);

/* Closes a listener whose file is gone, or another's by now. */
void unix_socket_listener_close(int listener);

/* Accepts one connection, non-blocking. Returns the descriptor or -errno (-EAGAIN: none waits). */
int unix_socket_accept(int listener);

/* Tells a peer who was just accepted why he isn't served, if his socket takes so much at once, and
 * closes the connection. */
void unix_socket_reject(int fd, const void *why, size_t size);
/* Who is at the other end of an accepted connection, as the kernel knew him when he connected
 * (SO_PEERCRED of unix(7)). */
struct unix_socket_peer {
    pid_t pid; /* 0: a process that isn't visible from here */
    uid_t uid;
    gid_t gid;
};

/* A socket's file: whose it is, and which one. */
struct unix_socket_file {
    struct identity owner;
    uint64_t device, inode;
    uint64_t born_ns; /* 0 where the file system doesn't say */
};

/* Looks at the file at path, which is followed nowhere. 0 or -errno (-EEXIST: no socket). */
int unix_socket_file_read(const char *path, struct unix_socket_file *file);

/* Whether both are the same file, whoever owns it. */
bool unix_socket_file_same(const struct unix_socket_file *a, const struct unix_socket_file *b);

/* Whether it is there as it was: the same file, whoever owns it by now. */
bool unix_socket_file_is(const char *path, const struct unix_socket_file *file);

/* Whether who connected may: he is root or the owner, or a member of the owner's group if mode lets
 * the group write, or anyone if it lets others. That is what the file's mode means to the kernel,
 * but as it was meant to be, and not as somebody may have changed it since. 0, and who he is;
 * -EACCES, and who he is; or -errno. */
int unix_socket_authorize(int fd, mode_t mode, const struct identity *owner,
                          struct unix_socket_peer *peer);

/* Connects to the Unix socket at path, blocking, each read and write bounded by timeout_ms. Returns
 * the descriptor or -errno. */
int unix_socket_connect(const char *path, uint32_t timeout_ms);

/* Connects to the Unix socket at path for use in a loop: non-blocking. Returns the descriptor or
 * -errno
 * (-EAGAIN: too many wait to be accepted). */
int unix_socket_connect_for_loop(const char *path);

/* The blocking end, as a client uses it: writes all; 0 or -errno (-EAGAIN: timed out). */
int unix_socket_write_all(int fd, const void *bytes, size_t size);

/* Reads what there is, or waits for it until until_ms (of clock_now_ms). The bytes read, 0 at the
 * end, or -errno (-EAGAIN: the time is over). */
ssize_t unix_socket_read_until(int fd, void *bytes, size_t room, uint64_t until_ms);

#endif
