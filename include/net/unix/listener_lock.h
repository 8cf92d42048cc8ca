#ifndef NET_UNIX_LISTENER_LOCK_H
#define NET_UNIX_LISTENER_LOCK_H

#include <limits.h>
#include <stdint.h>

/* The lock file PATH.lock of a Unix socket. Processes that make or remove the socket file hold it,
 * since between bind and listen the socket of a live server looks like one whose server has ended.
 * The lock is removed when it is released. It is a file of its own, and not the directory, since
 * other users can open the directory, and could lock it.
 *
 * The directory may belong to a user who is not trusted: the lock is not followed if it is a link,
 * opening it does not block if it is a pipe, and its contents are not changed. */
struct listener_lock {
    int fd;
    char path[PATH_MAX];
};

/* Takes the lock of the socket at path. Waits at most timeout_ms for another holder. Returns 0 or
 * -errno (-EALREADY: another process holds it; -EEXIST: a file of another kind is in its place). */
int listener_lock_take(struct listener_lock *lock, const char *path, uint32_t timeout_ms);

/* Removes and releases the lock. */
void listener_lock_release(struct listener_lock *lock);

#endif
