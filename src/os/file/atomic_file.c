#include "os/file/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LINKS_MAX = 40, /* the limit of the kernel: path_resolution(7) */
    COPY_BYTES = 64 << 10,
    DESCRIPTOR_NONE = -1,
};

/* ---- Resolving a path ---- */

/* The file that a path leads to. */
struct found {
    char path[PATH_MAX]; /* without links */
    int descriptor;      /* of this process that the path names, or DESCRIPTOR_NONE */
    bool exists;
    struct stat status;
};

/* Splits path into its directory without links, and its last component. Returns 0 or -errno. */
static int split(const char *path, char directory[PATH_MAX], const char **name)
{
    char part[PATH_MAX];
    const char *slash = strrchr(path, '/');
    *name = slash ? slash + 1 : path;
    if (strlen(path) >= sizeof part)
        return -ENAMETOOLONG;
    if (**name == '\0')
        return *path ? -EISDIR : -ENOENT;
    snprintf(part, sizeof part, "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
    return realpath(part, directory) ? 0 : -errno;
}

/* Returns the number of a descriptor if directory is /proc/PID/fd of this process. */
static int descriptor_of(const char *directory, const char *name)
{
    char own[64], *end;
    snprintf(own, sizeof own, "/proc/%ld/fd", (long)getpid());
    if (strcmp(directory, own) != 0)
        return DESCRIPTOR_NONE;
    unsigned long number = strtoul(name, &end, 10);
    return *end == '\0' && number <= INT_MAX ? (int)number : DESCRIPTOR_NONE;
}

/* Reads the path that a link leads to: its target, in its directory unless it is absolute. Returns
 * 0 or -errno. */
static int follow(const char *link, const char *directory, char path[PATH_MAX])
{
    char target[PATH_MAX];
    ssize_t size = readlink(link, target, sizeof target - 1);
    if (size < 0)
        return -errno;
    target[size] = '\0';
    int length = snprintf(path, PATH_MAX, "%s%s%s", target[0] == '/' ? "" : directory,
                          target[0] == '/' ? "" : "/", target);
    return length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* Follows all links of a path; the file at its end may be missing. Returns 0 or -errno. */
static int resolve(const char *from, struct found *found)
{
    char path[PATH_MAX], directory[PATH_MAX];
    *found = (struct found){.descriptor = DESCRIPTOR_NONE};
    if (snprintf(path, sizeof path, "%s", from) >= PATH_MAX)
        return -ENAMETOOLONG;
    for (int links = 0; links < LINKS_MAX; links++) {
        const char *name;
        int error = split(path, directory, &name);
        if (error)
            return error;
        found->descriptor = descriptor_of(directory, name);
        if (found->descriptor != DESCRIPTOR_NONE)
            return 0;
        if (snprintf(found->path, PATH_MAX, "%s/%s", strcmp(directory, "/") == 0 ? "" : directory,
                     name) >= PATH_MAX)
            return -ENAMETOOLONG;
        found->exists = lstat(found->path, &found->status) == 0;
        if (!found->exists)
            return errno == ENOENT ? 0 : -errno;
        if (!S_ISLNK(found->status.st_mode))
            return S_ISDIR(found->status.st_mode) ? -EISDIR : 0;
        error = follow(found->path, directory, path);
        if (error)
            return error;
    }
    return -ELOOP;
}

/* ---- Opening ---- */

static void forget(struct atomic_file *file)
{
    if (file->existing)
        close(file->existing - 1);
    if (file->temporary)
        unlink(file->temporary);
    free(file->target);
    free(file->temporary);
    *file = (struct atomic_file){.out = NULL};
}

static int open_stream(struct atomic_file *file, int fd)
{
    if (fd < 0)
        return -errno;
    file->out = fdopen(fd, "w");
    if (file->out)
        return 0;
    int error = -errno;
    close(fd);
    return error;
}

/* Several writers may share a device, but no other file. */
static void note_identity(struct atomic_file *file, int fd)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode))
        return;
    file->device = status.st_dev;
    file->inode = status.st_ino;
}

/* Continues at the position of the descriptor. */
static int open_descriptor(struct atomic_file *file, int number)
{
    int flags = fcntl(number, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
        return -EBADF;
    return open_stream(file, fcntl(number, F_DUPFD_CLOEXEC, 0));
}

/* The path by which this process can reach a file without a name. */
static void print_own_name(char name[32], int fd)
{
    snprintf(name, 32, "/proc/self/fd/%d", fd);
}

/* Opens a file without a name, which disappears whenever the process ends. Returns -1 if the file
 * system has none, or if it could get no name later. */
static int open_nameless(const char *target)
{
    char directory[PATH_MAX], name[32];
    snprintf(directory, sizeof directory, "%s", target);
    int fd = open(dirname(directory), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    print_own_name(name, fd);
    if (access(name, F_OK) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Makes a short name in the same directory. Returns 0 or -ENOMEM. */
static int set_temporary_name(struct atomic_file *file, const char *end)
{
    int length = (int)(strrchr(file->target, '/') - file->target);
    if (asprintf(&file->temporary, "%.*s/.draft-%s", length, file->target, end) >= 0)
        return 0;
    file->temporary = NULL;
    return -ENOMEM;
}

static void forget_temporary(struct atomic_file *file)
{
    free(file->temporary);
    file->temporary = NULL;
}

/* Returns a descriptor or -errno. */
static int open_named(struct atomic_file *file)
{
    int error = set_temporary_name(file, "XXXXXX");
    if (error)
        return error;
    int fd = mkostemp(file->temporary, O_CLOEXEC);
    if (fd >= 0)
        return fd;
    error = -errno;
    forget_temporary(file);
    return error;
}

/* Sets the mode that open(2) would have given, or that of the replaced file: mkostemp makes files
 * with mode 0600. */
static int set_usual_mode(int fd, const struct found *found)
{
    mode_t mask = umask(0);
    umask(mask);
    mode_t mode = found->exists ? found->status.st_mode & 0777 : 0666 & ~mask;
    struct stat own;
    if (found->exists && fstat(fd, &own) == 0 &&
        (own.st_uid != found->status.st_uid || own.st_gid != found->status.st_gid) &&
        fchown(fd, found->status.st_uid, found->status.st_gid) != 0)
        return -errno;
    return fchmod(fd, mode) == 0 ? 0 : -errno;
}

static int open_temporary(struct atomic_file *file, const struct found *found)
{
    int fd = open_nameless(file->target);
    if (fd < 0)
        fd = open_named(file);
    if (fd < 0)
        return fd;
    int error = set_usual_mode(fd, found);
    if (!error)
        return open_stream(file, fd);
    close(fd);
    if (file->temporary)
        unlink(file->temporary);
    forget_temporary(file);
    return error;
}

static int open_regular(struct atomic_file *file, const struct found *found)
{
    file->target = strdup(found->path);
    if (!file->target)
        return -ENOMEM;
    if (found->exists) {
        int fd = open(file->target, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
            return -errno;
        file->existing = fd + 1;
        note_identity(file, fd);
    }
    bool has_links = found->exists && found->status.st_nlink > 1;
    int error = has_links ? -EMLINK : open_temporary(file, found);
    if (!error || !found->exists)
        return error;
    file->from_memory = true;
    return open_stream(file, memfd_create("draft", MFD_CLOEXEC));
}

static int open_found(struct atomic_file *file, const struct found *found)
{
    if (found->descriptor != DESCRIPTOR_NONE)
        return open_descriptor(file, found->descriptor);
    if (!found->exists || S_ISREG(found->status.st_mode))
        return open_regular(file, found);
    return open_stream(file, open(found->path, O_WRONLY | O_CLOEXEC | O_NOCTTY));
}

int atomic_file_open(struct atomic_file *file, const char *path)
{
    struct found found;
    *file = (struct atomic_file){.out = NULL};
    int error = resolve(path, &found);
    if (!error)
        error = open_found(file, &found);
    if (error)
        forget(file);
    else if (!file->target)
        note_identity(file, fileno(file->out));
    return error;
}

bool atomic_file_same(const struct atomic_file *a, const struct atomic_file *b)
{
    if (a->target && b->target && strcmp(a->target, b->target) == 0)
        return true;
    return a->inode != 0 && a->inode == b->inode && a->device == b->device;
}

bool atomic_file_may_block(const struct atomic_file *file)
{
    return file->out && !file->target;
}

/* ---- Committing ---- */

/* Gives a temporary name to a file that has none: linkat(2) can't replace the target itself. */
static int link_temporary(struct atomic_file *file)
{
    char own[32], end[32];
    snprintf(end, sizeof end, "%ld-%d", (long)getpid(), fileno(file->out));
    int error = set_temporary_name(file, end);
    if (error)
        return error;
    print_own_name(own, fileno(file->out));
    if (linkat(AT_FDCWD, own, AT_FDCWD, file->temporary, AT_SYMLINK_FOLLOW) == 0)
        return 0;
    error = -errno;
    forget_temporary(file);
    return error;
}

static int replace_by_rename(struct atomic_file *file)
{
    int error = fsync(fileno(file->out)) != 0 ? -errno : 0;
    if (!error && !file->temporary)
        error = link_temporary(file);
    if (!error && rename(file->temporary, file->target) != 0)
        error = -errno;
    if (!error)
        forget_temporary(file);
    return error;
}

/* Copies size bytes from the beginning of one file to that of another. Returns 0 or -errno. */
static int copy(int from, int to, off_t size)
{
    char bytes[COPY_BYTES];
    for (off_t at = 0; at < size;) {
        ssize_t got = pread(from, bytes, sizeof bytes, at), put = -1;
        if (got > 0)
            put = pwrite(to, bytes, (size_t)got, at);
        if (put > 0)
            at += put;
        else if (got == 0)
            return -EIO;
        else if (errno != EINTR)
            return -errno;
    }
    return 0;
}

/* Reserves the space, so that a full disk leaves the old file unchanged; not every file system can
 * do that. */
static int reserve(int fd, off_t size)
{
    if (size == 0 || fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, size) == 0)
        return 0;
    return errno == ENOSPC || errno == EDQUOT || errno == EFBIG || errno == EIO ? -errno : 0;
}

/* Copies the new version over the existing target. */
static int overwrite(struct atomic_file *file)
{
    int from = fileno(file->out), to = file->existing - 1;
    struct stat status;
    int error = fstat(from, &status) == 0 ? reserve(to, status.st_size) : -errno;
    if (!error)
        error = copy(from, to, status.st_size);
    if (!error && (ftruncate(to, status.st_size) != 0 || fsync(to) != 0))
        error = -errno;
    return error;
}

static int replace_target(struct atomic_file *file)
{
    int error = file->from_memory ? -EXDEV : replace_by_rename(file);
    return error && file->existing ? overwrite(file) : error;
}

int atomic_file_commit(struct atomic_file *file)
{
    bool failed = fflush(file->out) != 0 || ferror(file->out);
    int error = failed ? -errno : 0;

    if (failed && !error)
        error = -EIO;
    if (!error && file->target)
        error = replace_target(file);
    atomic_file_discard(file);
    return error;
}

void atomic_file_discard(struct atomic_file *file)
{
    if (!file->out)
        return;
    fclose(file->out);
    forget(file);
}
