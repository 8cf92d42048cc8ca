/* The Unix socket behind a stream: its file is made, found and removed here, and nowhere does one
 * process take the place of another that lives. */
#include "net/stream_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* Connections that the kernel keeps until they are accepted. */
enum { BACKLOG = 64 };

static int set_address(struct sockaddr_un *address, const char *path)
{
    size_t size = strlen(path);

    if (size == 0)
        return -ENOENT;
    if (size >= sizeof address->sun_path)
        return -ENAMETOOLONG;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, path, size);
    return 0;
}

/* ---- The lock ---- */

/* Between a live owner's bind and listen its socket looks like one whose owner is gone, so makers
 * and removers of a file take turns. The lock is a file beside it that nobody else may open, unlike
 * the directory, and it goes when the turn ends. */
struct lock {
    int fd;
    char path[PATH_MAX];
};

static bool is_at(int fd, const char *path)
{
    struct stat opened, found;

    return fstat(fd, &opened) == 0 && stat(path, &found) == 0 && opened.st_dev == found.st_dev &&
           opened.st_ino == found.st_ino;
}

static int take_lock(struct lock *lock, const char *path, int operation)
{
    snprintf(lock->path, sizeof lock->path, "%s.lock", path);
    for (;;) {
        lock->fd = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (lock->fd < 0)
            return -errno;
        if (flock(lock->fd, operation) != 0) {
            int error = -errno;
            close(lock->fd);
            if (error != -EINTR)
                return error;
        } else if (is_at(lock->fd, lock->path)) {
            return 0;
        } else {
            close(lock->fd); /* whoever had it before has removed it */
        }
    }
}

static void drop_lock(struct lock *lock)
{
    unlink(lock->path);
    close(lock->fd);
}

/* ---- A listener ---- */

/* 0 if somebody listens at the address, or why it can't be told or isn't so. */
static int probe(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error = 0;

    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) != 0)
        error = -errno;
    close(fd);
    return error == -EAGAIN ? 0 : error; /* a full backlog is somebody's */
}

/* Removes a socket file whose owner is gone. */
static int clear_stale(const struct sockaddr_un *address)
{
    struct stat found;

    if (lstat(address->sun_path, &found) != 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(found.st_mode))
        return -EEXIST;
    int error = probe(address);
    if (error == 0 || error == -EPROTOTYPE)
        return -EADDRINUSE;
    if (error != -ECONNREFUSED)
        return error;
    return unlink(address->sun_path) == 0 ? 0 : -errno;
}

/* A file for its owner alone at first; nobody else reaches it before it has its group and mode. */
static int bind_privately(int fd, const struct sockaddr_un *address)
{
    mode_t before = umask(0177);
    int error = bind(fd, (const struct sockaddr *)address, sizeof *address) == 0 ? 0 : -errno;
    umask(before);
    return error;
}

static int bind_and_listen(int fd, const struct sockaddr_un *address, mode_t mode,
                           const struct identity *owner)
{
    int error = clear_stale(address);
    if (!error)
        error = bind_privately(fd, address);
    if (error)
        return error;
    if (chown(address->sun_path, owner->uid, owner->gid) != 0 ||
        chmod(address->sun_path, mode) != 0 || listen(fd, BACKLOG) != 0) {
        error = -errno;
        unlink(address->sun_path);
    }
    return error;
}

int stream_listen(const char *path, mode_t mode, const struct identity *owner)
{
    struct sockaddr_un address;
    struct lock lock;

    int error = set_address(&address, path);
    if (error)
        return error;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    error = take_lock(&lock, path, LOCK_EX);
    if (!error) {
        error = bind_and_listen(fd, &address, mode, owner);
        drop_lock(&lock);
    }
    if (error) {
        close(fd);
        return error;
    }
    return fd;
}

void stream_unlisten(int listener, const char *path)
{
    struct sockaddr_un address;
    struct lock lock;

    /* Once ours is closed, a file where nobody listens is ours, or as stale as ours. */
    close(listener);
    if (set_address(&address, path) != 0 || take_lock(&lock, path, LOCK_EX | LOCK_NB) != 0)
        return;
    clear_stale(&address);
    drop_lock(&lock);
}

int stream_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* ---- The client's end ---- */

int stream_connect(const char *path, uint32_t timeout_ms)
{
    const struct timeval timeout = {(time_t)(timeout_ms / 1000),
                                    (suseconds_t)(timeout_ms % 1000 * 1000)};
    struct sockaddr_un address;

    int error = set_address(&address, path);
    if (error)
        return error;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

int stream_connect_for_loop(const char *path)
{
    struct sockaddr_un address;

    int error = set_address(&address, path);
    if (error)
        return error;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

int stream_write_all(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;

    while (size > 0) {
        ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return -errno;
        if (sent > 0) {
            at += sent;
            size -= (size_t)sent;
        }
    }
    return 0;
}
