#include "net/unix/listener_lock.h"

#include "os/process/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_at(int fd, const char *path)
{
    struct stat opened, found;

    return fstat(fd, &opened) == 0 && lstat(path, &found) == 0 && opened.st_dev == found.st_dev &&
           opened.st_ino == found.st_ino;
}

/* Opens the lock file; -EEXIST if something other than a regular file is in its place. */
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

/* The holder removes the file when it releases the lock, which inotify reports; flock without
 * LOCK_NB could wait for ever. A holder that has crashed leaves the file, but not the lock. */
int listener_lock_take(struct listener_lock *lock, const char *path, uint32_t timeout_ms)
{
    struct pollfd removal = {.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), .events = POLLIN};
    uint64_t now_ms = clock_now_ms(), end_ms = now_ms + timeout_ms;
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
        /* If the file that was opened is still there, it was also there when the watch was set. If
         * it is not, the holder has released it, and the next attempt can take it. */
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

void listener_lock_release(struct listener_lock *lock)
{
    unlink(lock->path);
    close(lock->fd);
}
