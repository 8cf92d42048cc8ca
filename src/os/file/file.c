#include "os/file/file.h"

#include "text/number_with_unit.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_BUFFER_BYTES = 4096 };

struct buffer {
    char *bytes;
    size_t size;
    size_t capacity;
};

/* Grows the buffer up to one byte more than the limit, which shows that a file is too long, and the
 * NUL. */
static int grow(struct buffer *buffer, size_t max_bytes)
{
    size_t capacity =
        buffer->capacity < FIRST_BUFFER_BYTES ? FIRST_BUFFER_BYTES : buffer->capacity * 2;

    if (capacity > max_bytes + 2)
        capacity = max_bytes + 2;
    char *bytes = realloc(buffer->bytes, capacity);
    if (bytes == NULL)
        return -ENOMEM;
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return 0;
}

static int read_all(int fd, size_t max_bytes, struct buffer *buffer)
{
    for (;;) {
        if (buffer->size + 1 >= buffer->capacity) {
            int error = grow(buffer, max_bytes);
            if (error)
                return error;
        }
        ssize_t got = read(fd, buffer->bytes + buffer->size, buffer->capacity - 1 - buffer->size);
        if (got < 0 && errno == EAGAIN) /* another process has set O_NONBLOCK */
            poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, -1);
        else if (got < 0 && errno != EINTR)
            return -errno;
        if (got == 0)
            break;
        if (got > 0)
            buffer->size += (size_t)got;
        if (buffer->size > max_bytes)
            return -EFBIG;
    }
    buffer->bytes[buffer->size] = '\0';
    return 0;
}

/* Opens a file, unless reading it could block: a FIFO, for which even opening waits for a writer,
 * or a terminal. */
static int open_file(const char *path)
{
    struct stat found;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0)
        return errno == ENXIO ? -EINVAL : -errno; /* a socket, or a device without a driver */
    int error = fstat(fd, &found) == 0 ? 0 : -errno;
    if (!error && S_ISDIR(found.st_mode))
        error = -EISDIR;
    else if (!error && !S_ISREG(found.st_mode) && (!S_ISCHR(found.st_mode) || isatty(fd)))
        error = -EINVAL;
    if (!error)
        return fd;
    close(fd);
    return error;
}

/* Returns the number of the descriptor that a path names, or -1. */
static int descriptor_of(const char *path)
{
    static const char *const directories[] = {"/dev/fd/", "/proc/self/fd/"};
    uint64_t number;

    if (strcmp(path, "/dev/stdin") == 0)
        return STDIN_FILENO;
    for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++) {
        size_t size = strlen(directories[i]);
        if (strncmp(path, directories[i], size) == 0 &&
            number_parse(path + size, 0, INT_MAX, &number) == NULL)
            return (int)number;
    }
    return -1;
}

bool file_is_descriptor(const char *path)
{
    return descriptor_of(path) >= 0;
}

/* Opens a file whose reading may block. A socket can't be opened by a path, not even /dev/stdin:
 * its descriptor is duplicated. */
static int open_stream(const char *path, bool *is_stream)
{
    struct stat found;
    int number = descriptor_of(path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0 && errno == ENXIO && number >= 0)
        fd = fcntl(number, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return errno == ENXIO ? -EINVAL : -errno;
    int error = fstat(fd, &found) == 0 ? 0 : -errno;
    if (!error && S_ISDIR(found.st_mode))
        error = -EISDIR;
    if (error) {
        close(fd);
        return error;
    }
    *is_stream = !S_ISREG(found.st_mode) && (!S_ISCHR(found.st_mode) || isatty(fd));
    return fd;
}

static int read_and_close(int fd, size_t max_bytes, char **bytes, size_t *size)
{
    struct buffer buffer = {0};

    if (fd < 0)
        return fd;
    int error = max_bytes > SIZE_MAX / 4 ? -EINVAL : read_all(fd, max_bytes, &buffer);
    close(fd);
    if (error) {
        free(buffer.bytes);
        return error;
    }
    *bytes = buffer.bytes;
    *size = buffer.size;
    return 0;
}

int file_read(const char *path, size_t max_bytes, char **bytes, size_t *size)
{
    return read_and_close(open_file(path), max_bytes, bytes, size);
}

int file_read_stream(const char *path, size_t max_bytes, char **bytes, size_t *size,
                     bool *is_stream)
{
    return read_and_close(open_stream(path, is_stream), max_bytes, bytes, size);
}

bool file_is_pattern(const char *path)
{
    return strpbrk(path, "*?[") != NULL;
}

/* A directory that does not exist has no match; one that can't be read might have some. */
static int stop_unless_missing(const char *path, int error)
{
    (void)path;
    errno = error;
    return error != ENOENT;
}

static int copy_paths(char *const *from, size_t count, char ***paths, size_t *copied)
{
    char **copies = calloc(count + 1, sizeof *copies);

    if (copies == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        copies[i] = strdup(from[i]);
        if (copies[i] == NULL) {
            file_glob_free(copies, i);
            return -ENOMEM;
        }
    }
    *paths = copies;
    *copied = count;
    return 0;
}

int file_glob(const char *pattern, char ***paths, size_t *count)
{
    glob_t found = {0};
    int error;

    errno = 0;
    switch (glob(pattern, 0, stop_unless_missing, &found)) {
    case 0:
    case GLOB_NOMATCH:
        error = copy_paths(found.gl_pathv, found.gl_pathc, paths, count);
        break;
    case GLOB_NOSPACE:
        error = -ENOMEM;
        break;
    default:
        error = errno != 0 ? -errno : -EIO;
    }
    globfree(&found);
    return error;
}

void file_glob_free(char **paths, size_t count)
{
    if (paths == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        free(paths[i]);
    free(paths);
}

bool file_same(const char *a, const char *b)
{
    struct stat of_a, of_b;

    return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
           of_a.st_ino == of_b.st_ino;
}

bool file_is_regular(int descriptor)
{
    struct stat status;

    return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

int file_check_readable(const char *path)
{
    /* Only opening checks every kind of permission; O_NONBLOCK, since a pipe must not block. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

int file_check_removable(const char *path)
{
    char directory[PATH_MAX];

    snprintf(directory, sizeof directory, "%s", path);
    return access(dirname(directory), W_OK | X_OK) == 0 ? 0 : -errno;
}
