#include "net/unix/unix_listener.h"

#include "net/unix/listener_lock.h"
#include "net/unix/stale_socket.h"
#include "net/unix/unix_address.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    /* Connections that wait to be accepted: as many as the sessions that a server serves at the
     * same time, so that clients rarely have to wait in connect. */
    BACKLOG = 64,
    /* The lock is held only for a few system calls; a process that holds it longer does so on
     * purpose. */
    OPEN_TIMEOUT_MS = 1000,
    CLOSE_TIMEOUT_MS = 100, /* the whole stop of a server may take a second */
};

/* The umask gives the file its mode when it is made. A chmod afterwards would follow the path, and
 * the owner of the directory could have put a link there. */
static int bind_with_mode(int fd, const struct sockaddr_un *address, mode_t mode)
{
    mode_t before = umask(0777 & ~mode);
    int error = bind(fd, (const struct sockaddr *)address, sizeof *address) == 0 ? 0 : -errno;
    umask(before);
    return error;
}

static bool is_owner(const struct stat *file, const struct identity *owner)
{
    return (owner->uid == (uid_t)-1 || file->st_uid == owner->uid) &&
           (owner->gid == (gid_t)-1 || file->st_gid == owner->gid);
}

/* Gives the file to its owner. A file that it already has needs no call, which a service manager
 * may forbid (SystemCallFilter=~@privileged). The check that it is the socket uses the same
 * descriptor as fchown: otherwise the owner of the directory could exchange the file in between. */
static int set_owner(const char *path, const struct identity *owner)
{
    struct stat found;
    int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    int error = 0;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &found) != 0)
        error = -errno;
    else if (!S_ISSOCK(found.st_mode) || found.st_uid != geteuid())
        error = -EEXIST;
    else if (!is_owner(&found, owner) &&
             fchownat(fd, "", owner->uid, owner->gid, AT_EMPTY_PATH) != 0)
        error = -errno;
    close(fd);
    return error;
}

static int bind_and_listen(int fd, const struct sockaddr_un *address, mode_t mode,
                           const struct identity *owner)
{
    int error = stale_socket_remove(address);
    if (!error)
        error = bind_with_mode(fd, address, mode);
    if (error)
        return error;
    error = set_owner(address->sun_path, owner);
    if (!error && listen(fd, BACKLOG) != 0)
        error = -errno;
    if (error)
        unlink(address->sun_path);
    return error;
}

static int open_within(const char *path, mode_t mode, const struct identity *owner,
                       uint32_t timeout_ms)
{
    struct sockaddr_un address;
    struct listener_lock lock;

    int error = unix_address_set(&address, path);
    if (error)
        return error;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    error = listener_lock_take(&lock, path, timeout_ms);
    if (!error) {
        error = bind_and_listen(fd, &address, mode, owner);
        listener_lock_release(&lock);
    }
    if (error) {
        close(fd);
        return error;
    }
    return fd;
}

int unix_listener_open(const char *path, mode_t mode, const struct identity *owner)
{
    return open_within(path, mode, owner, OPEN_TIMEOUT_MS);
}

int unix_listener_open_at_once(const char *path, mode_t mode, const struct identity *owner)
{
    return open_within(path, mode, owner, 0);
}

void unix_listener_remove_stale(const char *path)
{
    struct sockaddr_un address;
    struct listener_lock lock;

    if (unix_address_set(&address, path) != 0 ||
        listener_lock_take(&lock, path, CLOSE_TIMEOUT_MS) != 0)
        return;
    stale_socket_remove(&address);
    listener_lock_release(&lock);
}

void unix_listener_close_and_remove(int listener, const char *path)
{
    /* After this close, a socket file without a listener is this one, or another stale one. */
    close(listener);
    unix_listener_remove_stale(path);
}

void unix_listener_close(int listener)
{
    close(listener);
}

int unix_listener_accept(int listener)
{
    int fd;

    do
        fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    return fd < 0 ? -errno : fd;
}

void unix_listener_reject(int fd, const void *reason, size_t size)
{
    char bytes[4096];
    int reads = 16; /* 64 KiB: more than clients send before they read; a limit for the others */

    send(fd, reason, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    /* Unread bytes at the close would reset the connection, and the reason would be lost. */
    shutdown(fd, SHUT_WR);
    while (reads-- > 0 && recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        ;
    close(fd);
}
