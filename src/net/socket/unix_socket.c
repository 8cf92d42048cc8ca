/* The Unix socket behind a stream: its file is made, found and removed here, and nowhere does one
 * process take the place of another that lives. */
#include "net/socket/unix_socket.h"

#include "os/process/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/stat.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    /* Connections that the kernel keeps until they are accepted: as many as the sessions that a
     * server serves at once, so that no burst of operators waits in connect. */
    BACKLOG = 64,
    /* A turn takes less than a millisecond, on a busy host a few; longer only if somebody holds the
     * lock on purpose. */
    START_PATIENCE_MS = 1000,
    END_PATIENCE_MS = 100, /* a stop has a second for all that it does */
};

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
 * the directory, and it goes when the turn ends. The directory may belong to somebody whom we don't
 * trust: the lock is neither followed as a link, nor waited for, nor are its contents touched. */
struct lock {
    int fd;
    char path[PATH_MAX];
};

static bool is_at(int fd, const char *path)
{
    struct stat opened, found;

    return fstat(fd, &opened) == 0 && lstat(path, &found) == 0 && opened.st_dev == found.st_dev &&
           opened.st_ino == found.st_ino;
}

/* Opens it; -EEXIST when something else than a file of the kind that we make is in its place. */
static int open_lock(const char *path)
{
    struct stat found;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);

    if (fd < 0)
        return errno == ELOOP || errno == ENXIO || errno == EISDIR ? -EEXIST : -errno;
    if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode))
        return fd;
    close(fd);
    return -EEXIST;
}

/* Takes it, if it is given back within patience_ms; else -EALREADY. Whoever has it removes the file
 * at the end of his turn, and that is an event; flock itself would wait for as long as somebody
 * likes. One who died in his turn leaves the file: it is found free, or else at the end of the
 * patience. */
static int take_lock(struct lock *lock, const char *path, uint32_t patience_ms)
{
    struct pollfd removal = {.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), .events = POLLIN};
    uint64_t now_ms = clock_now_ms(), end_ms = now_ms + patience_ms;
    char event[sizeof(struct inotify_event) + NAME_MAX + 1];
    int error = -EALREADY;

    snprintf(lock->path, sizeof lock->path, "%s.lock", path);
    for (;;) {
        lock->fd = open_lock(lock->path);
        if (lock->fd < 0) {
            error = lock->fd;
            break;
        }
        bool locked = flock(lock->fd, LOCK_EX | LOCK_NB) == 0;
        if (!locked)
            inotify_add_watch(removal.fd, lock->path, IN_ATTRIB | IN_DONT_FOLLOW);
        /* If ours is there now it was when the watch was set; if not, its turn has ended. */
        bool there = is_at(lock->fd, lock->path);
        if (locked && there) {
            error = 0;
            break;
        }
        close(lock->fd);
        now_ms = clock_now_ms();
        if (now_ms >= end_ms)
            break;
        if (there)
            poll(&removal, 1, (int)(end_ms - now_ms));
        while (read(removal.fd, event, sizeof event) > 0)
            ;
    }
    if (removal.fd >= 0)
        close(removal.fd);
    return error;
}

static void drop_lock(struct lock *lock)
{
    unlink(lock->path);
    close(lock->fd);
}

/* ---- A listener ---- */

/* A connection that doesn't wait for anybody: its descriptor or -errno. */
static int connect_at_once(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) != 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

/* 0 if somebody listens at the address, or why it can't be told or isn't so. */
static int probe(const struct sockaddr_un *address)
{
    int fd = connect_at_once(address);

    if (fd >= 0)
        close(fd);
    return fd >= 0 || fd == -EAGAIN ? 0 : fd; /* a full backlog is somebody's */
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

/* The file has its mode from the moment that it exists, so that no path has to be followed to give
 * it one: whoever owns the directory might have put a link in its place by then. */
static int bind_with_mode(int fd, const struct sockaddr_un *address, mode_t mode)
{
    mode_t before = umask(0777 & ~mode);
    int error = bind(fd, (const struct sockaddr *)address, sizeof *address) == 0 ? 0 : -errno;
    umask(before);
    return error;
}

/* Gives the file its owner. That it is a socket is asked of the very file which is given away: else
 * whoever owns the directory might have us give him something else. */
static int give(const char *path, const struct identity *owner)
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
    else if (fchownat(fd, "", owner->uid, owner->gid, AT_EMPTY_PATH) != 0)
        error = -errno;
    close(fd);
    return error;
}

static int bind_and_listen(int fd, const struct sockaddr_un *address, mode_t mode,
                           const struct identity *owner)
{
    int error = clear_stale(address);
    if (!error)
        error = bind_with_mode(fd, address, mode);
    if (error)
        return error;
    error = give(address->sun_path, owner);
    if (!error && listen(fd, BACKLOG) != 0)
        error = -errno;
    if (error)
        unlink(address->sun_path);
    return error;
}

static int listen_within(const char *path, mode_t mode, const struct identity *owner,
                         uint32_t patience_ms)
{
    struct sockaddr_un address;
    struct lock lock;

    int error = set_address(&address, path);
    if (error)
        return error;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    error = take_lock(&lock, path, patience_ms);
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

int unix_socket_listen(const char *path, mode_t mode, const struct identity *owner)
{
    return listen_within(path, mode, owner, START_PATIENCE_MS);
}

int unix_socket_listen_at_once(const char *path, mode_t mode, const struct identity *owner)
{
    return listen_within(path, mode, owner, 0);
}

void unix_socket_unlisten(int listener, const char *path)
{
    struct sockaddr_un address;
    struct lock lock;

    /* Once ours is closed, a file where nobody listens is ours, or as stale as ours. */
    close(listener);
    if (set_address(&address, path) != 0 || take_lock(&lock, path, END_PATIENCE_MS) != 0)
        return;
    clear_stale(&address);
    drop_lock(&lock);
}

void unix_socket_listener_close(int listener)
{
    close(listener);
}

int unix_socket_accept(int listener)
{
    int fd;

    do
        fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    return fd < 0 ? -errno : fd;
}

void unix_socket_reject(int fd, const void *why, size_t size)
{
    char bytes[4096];
    int reads = 16; /* more than anyone sends before he is told; nobody holds us up */

    send(fd, why, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    /* What is unread at the close would reset the connection, and with it what we have said. */
    shutdown(fd, SHUT_WR);
    while (reads-- > 0 && recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        ;
    close(fd);
}

/* ---- Who is there ---- */

/* The C library may not have statx: musl before 1.2.5, and glibc before 2.28. Nor a kernel before
 * 4.11 (ENOSYS), nor a sandbox of that time (EPERM): then the time of birth is not known. */
static int look_up(const char *path, struct statx *found)
{
    struct stat file;
    if (syscall(SYS_statx, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME,
                found) == 0)
        return 0;
    if ((errno != ENOSYS && errno != EPERM) || lstat(path, &file) != 0)
        return -errno;
    *found = (struct statx){
        .stx_mode = (uint16_t)file.st_mode,
        .stx_uid = file.st_uid,
        .stx_gid = file.st_gid,
        .stx_ino = file.st_ino,
        .stx_dev_major = major(file.st_dev),
        .stx_dev_minor = minor(file.st_dev),
    };
    return 0;
}

int unix_socket_file_read(const char *path, struct unix_socket_file *file)
{
    struct statx found;
    int error = look_up(path, &found);
    if (error != 0)
        return error;
    if (!S_ISSOCK(found.stx_mode))
        return -EEXIST;
    *file = (struct unix_socket_file){
        .owner = {found.stx_uid, found.stx_gid},
        .device = (uint64_t)found.stx_dev_major << 32 | found.stx_dev_minor,
        .inode = found.stx_ino,
    };
    if (found.stx_mask & STATX_BTIME)
        file->born_ns = (uint64_t)found.stx_btime.tv_sec * 1000000000u + found.stx_btime.tv_nsec;
    return 0;
}

/* The number of an inode may be that of another file soon, hence the time of its birth. */
bool unix_socket_file_same(const struct unix_socket_file *a, const struct unix_socket_file *b)
{
    return a->device == b->device && a->inode == b->inode && a->born_ns == b->born_ns;
}

bool unix_socket_file_is(const char *path, const struct unix_socket_file *file)
{
    struct unix_socket_file found;
    return unix_socket_file_read(path, &found) == 0 && unix_socket_file_same(&found, file);
}

static bool is_member(int fd, gid_t gid, gid_t primary)
{
    gid_t groups[NGROUPS_MAX];
    socklen_t size = sizeof groups;
    if (gid == primary)
        return true;
    /* Since Linux 4.13; before, the primary group is all that is known. */
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) != 0)
        return false;
    for (size_t i = 0; i < size / sizeof groups[0]; i++)
        if (groups[i] == gid)
            return true;
    return false;
}

int unix_socket_authorize(int fd, mode_t mode, const struct identity *owner,
                          struct unix_socket_peer *peer)
{
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
        return -errno;
    *peer = (struct unix_socket_peer){credentials.pid, credentials.uid, credentials.gid};
    if (peer->uid == 0 || peer->uid == owner->uid || (mode & S_IWOTH) != 0)
        return 0;
    return (mode & S_IWGRP) != 0 && is_member(fd, owner->gid, peer->gid) ? 0 : -EACCES;
}

/* ---- The client's end ---- */

int unix_socket_connect(const char *path, uint32_t timeout_ms)
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

int unix_socket_connect_for_loop(const char *path)
{
    struct sockaddr_un address;

    int error = set_address(&address, path);
    return error ? error : connect_at_once(&address);
}

int unix_socket_write_all(int fd, const void *bytes, size_t size)
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

ssize_t unix_socket_read_until(int fd, void *bytes, size_t room, uint64_t until_ms)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};

    for (;;) {
        ssize_t size = recv(fd, bytes, room, MSG_DONTWAIT);
        if (size >= 0)
            return size;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        uint64_t now_ms = clock_now_ms();
        if (now_ms >= until_ms)
            return -EAGAIN;
        uint64_t left_ms = until_ms - now_ms;
        poll(&wait, 1, left_ms < INT_MAX ? (int)left_ms : INT_MAX);
    }
}
