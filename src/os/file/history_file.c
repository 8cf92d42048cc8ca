#include "os/file/history_file.h"

#include "os/file/atomic_file.h"
#include "os/file/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LOCK_RETRY_MS = 10,
    OPEN_TRIES_MAX = 100,
};

/* ---- The path ---- */

static const char *absolute_path_in(const char *variable)
{
    const char *path = getenv(variable);
    return path && *path == '/' ? path : NULL;
}

/* Makes the missing directories of path. */
static int make_directories(const char *path)
{
    char part[PATH_MAX];
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return -errno;
    }
    return 0;
}

/* Sets path, to "" if there is no place for a history. Returns 0 or -errno. */
static int find_path(char path[PATH_MAX], const char *name)
{
    const char *state = absolute_path_in("XDG_STATE_HOME"), *home = absolute_path_in("HOME");
    path[0] = '\0';
    if (!state && !home)
        return 0;
    int size = snprintf(path, PATH_MAX, "%s%s/udpsrv/%s", state ? state : home,
                        state ? "" : "/.local/state", name);
    if (size < 0 || size >= PATH_MAX)
        return -ENAMETOOLONG;
    return make_directories(path);
}

/* ---- The lock ---- */

/* Takes the lock by polling: there is no event for it, and a blocking flock would wait forever for
 * a program that was stopped. */
static int lock(int fd)
{
    for (int waited_ms = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; waited_ms += LOCK_RETRY_MS) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return -errno;
        if (waited_ms >= HISTORY_FILE_WAIT_MS)
            return -EAGAIN;
        poll(NULL, 0, LOCK_RETRY_MS);
    }
    return 0;
}

/* Sets whether the locked file still has that path, and was not replaced or removed during the
 * wait. Returns 0 or -errno. */
static int read_current(int fd, const char *path, bool *current)
{
    struct stat locked, named;
    *current = false;
    if (fstat(fd, &locked) != 0)
        return -errno;
    if (stat(path, &named) != 0)
        return errno == ENOENT ? 0 : -errno;
    *current = locked.st_dev == named.st_dev && locked.st_ino == named.st_ino;
    return 0;
}

/* Opens the file, with access only for its owner, and locks it. Returns its descriptor, whose close
 * unlocks it, or -errno. */
static int open_locked(const char *path)
{
    /* Another program may replace the file between open and lock, but hardly so often. */
    for (int tries = 0; tries < OPEN_TRIES_MAX; tries++) {
        struct stat status;
        bool current = false;
        int fd =
            open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
        if (fd < 0)
            return -errno;
        int error = fstat(fd, &status) == 0 ? 0 : -errno;
        if (!error && (!S_ISREG(status.st_mode) || status.st_uid != geteuid()))
            error = -EPERM;
        if (!error && status.st_mode & 077)
            error = fchmod(fd, 0600) == 0 ? 0 : -errno;
        if (!error)
            error = lock(fd);
        if (!error)
            error = read_current(fd, path, &current);
        if (!error && current)
            return fd;
        close(fd);
        if (error)
            return error;
    }
    return -EAGAIN;
}

/* ---- Reading and writing ---- */

static int read_file(const char *path, struct history *history)
{
    char *text;
    size_t size;
    /* Several programs that append at the same time may exceed the maximum a little. */
    int error = file_read(path, 2 * HISTORY_FILE_BYTES_MAX, &text, &size);
    if (error)
        return error;
    history_add_lines(history, text, size);
    free(text);
    return 0;
}

/* Replaces the locked file by its newest lines. */
static int shorten(const char *path)
{
    struct atomic_file draft;
    struct history *history = history_new();
    if (!history)
        return -ENOMEM;
    int error = read_file(path, history);
    if (!error)
        error = atomic_file_open(&draft, path);
    if (!error) {
        for (size_t age = history_count(history); age-- > 0;) {
            size_t size;
            const char *line = history_get(history, age, &size);
            fwrite(line, 1, size, draft.out);
            putc('\n', draft.out);
        }
        error = atomic_file_commit(&draft);
    }
    history_free(history);
    return error;
}

int history_file_open(struct history_file *file, const char *name, struct history *history)
{
    file->kept = false;
    int error = find_path(file->path, name);
    if (error || !file->path[0])
        return error;
    int fd = open_locked(file->path);
    if (fd < 0)
        return fd;
    error = read_file(file->path, history);
    close(fd);
    file->kept = !error;
    return error;
}

/* Appends all bytes, or none. */
static int append(int fd, const char *bytes, size_t size)
{
    off_t before = lseek(fd, 0, SEEK_END);
    ssize_t written = write(fd, bytes, size);
    if (written == (ssize_t)size)
        return 0;
    int error = written < 0 ? -errno : -ENOSPC;
    /* Removes the part that was written. If this fails, the next line continues it. */
    if (before >= 0 && ftruncate(fd, before) != 0)
        return -errno;
    return error;
}

int history_file_append(const struct history_file *file, const char *line, size_t size)
{
    char bytes[HISTORY_LINE_MAX + 1];
    struct stat status;
    if (!file->kept || !history_accepts(line, size))
        return 0;
    memcpy(bytes, line, size);
    bytes[size] = '\n';
    int fd = open_locked(file->path);
    if (fd < 0)
        return fd;
    int error = append(fd, bytes, size + 1);
    if (!error && fstat(fd, &status) != 0)
        error = -errno;
    else if (!error && status.st_size >= HISTORY_FILE_BYTES_MAX)
        error = shorten(file->path);
    close(fd);
    return error;
}
