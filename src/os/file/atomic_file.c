/* Files that appear whole or not at all. */
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
    LINKS_MAX = 40, /* as many as the kernel follows: path_resolution(7) */
    COPY_BYTES = 64 << 10,
    DESCRIPTOR_NONE = -1,
};

/* ---- Where a path leads ---- */

/* What it is found to be. */
struct found {
    char place[PATH_MAX]; /* without links */
    int descriptor;       /* of ours that the path names, or DESCRIPTOR_NONE */
    bool exists;
    struct stat status;
};

/* Splits path into its directory without links, and its last name. 0 or -errno. */
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

/* The number of a descriptor of ours, if the directory is that of them. */
static int descriptor_of(const char *directory, const char *name)
{
    char own[64], *end;
    snprintf(own, sizeof own, "/proc/%ld/fd", (long)getpid());
    if (strcmp(directory, own) != 0)
        return DESCRIPTOR_NONE;
    unsigned long number = strtoul(name, &end, 10);
    return *end == '\0' && number <= INT_MAX ? (int)number : DESCRIPTOR_NONE;
}

/* Where a link at place leads: target, in its directory unless it is absolute. 0 or -errno. */
static int follow(const char *place, const char *directory, char path[PATH_MAX])
{
    char target[PATH_MAX];
    ssize_t size = readlink(place, target, sizeof target - 1);
    if (size < 0)
        return -errno;
    target[size] = '\0';
    int length = snprintf(path, PATH_MAX, "%s%s%s", target[0] == '/' ? "" : directory,
                          target[0] == '/' ? "" : "/", target);
    return length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* Follows the path to its end; what stands there may be missing. 0 or -errno. */
static int find(const char *from, struct found *found)
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
        if (snprintf(found->place, PATH_MAX, "%s/%s", strcmp(directory, "/") == 0 ? "" : directory,
                     name) >= PATH_MAX)
            return -ENAMETOOLONG;
        found->exists = lstat(found->place, &found->status) == 0;
        if (!found->exists)
            return errno == ENOENT ? 0 : -errno;
        if (!S_ISLNK(found->status.st_mode))
            return S_ISDIR(found->status.st_mode) ? -EISDIR : 0;
        error = follow(found->place, directory, path);
        if (error)
            return error;
    }
    return -ELOOP;
}

/* ---- Opening ---- */

static void forget(struct atomic_file *draft)
{
    if (draft->existing)
        close(draft->existing - 1);
    if (draft->beside)
        unlink(draft->beside);
    free(draft->place);
    free(draft->beside);
    *draft = (struct atomic_file){.out = NULL};
}

static int open_stream(struct atomic_file *draft, int fd)
{
    if (fd < 0)
        return -errno;
    draft->out = fdopen(fd, "w");
    if (draft->out)
        return 0;
    int error = -errno;
    close(fd);
    return error;
}

/* Any number may write to a device; to anything else, one. */
static void note_identity(struct atomic_file *draft, int fd)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode))
        return;
    draft->device = status.st_dev;
    draft->inode = status.st_ino;
}

/* A descriptor of ours goes on where it stands. */
static int open_descriptor(struct atomic_file *draft, int number)
{
    int flags = fcntl(number, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
        return -EBADF;
    return open_stream(draft, fcntl(number, F_DUPFD_CLOEXEC, 0));
}

/* The name by which this process, and nobody else, can reach a file that has none. */
static void print_own_name(char name[32], int fd)
{
    snprintf(name, 32, "/proc/self/fd/%d", fd);
}

/* A file without a name, which no kind of end leaves behind; -1 where that can't be had, or where
 * it could get no name later. */
static int open_nameless(const char *place)
{
    char directory[PATH_MAX], name[32];
    snprintf(directory, sizeof directory, "%s", place);
    int fd = open(dirname(directory), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    print_own_name(name, fd);
    if (access(name, F_OK) == 0)
        return fd;
    close(fd);
    return -1;
}

/* A name in the same directory, short enough whatever the other one is. 0 or -ENOMEM. */
static int name_beside(struct atomic_file *draft, const char *end)
{
    int length = (int)(strrchr(draft->place, '/') - draft->place);
    if (asprintf(&draft->beside, "%.*s/.draft-%s", length, draft->place, end) >= 0)
        return 0;
    draft->beside = NULL;
    return -ENOMEM;
}

static void forget_beside(struct atomic_file *draft)
{
    free(draft->beside);
    draft->beside = NULL;
}

/* A descriptor or -errno. */
static int open_named(struct atomic_file *draft)
{
    int error = name_beside(draft, "XXXXXX");
    if (error)
        return error;
    int fd = mkostemp(draft->beside, O_CLOEXEC);
    if (fd >= 0)
        return fd;
    error = -errno;
    forget_beside(draft);
    return error;
}

/* As open(2) would have made it, or as what it replaces: mkostemp makes files for their owner
 * alone.
 */
static int set_usual_mode(int fd, const struct found *found)
{
    mode_t mask = umask(0);
    umask(mask);
    mode_t mode = found->exists ? found->status.st_mode & 0777 : 0666 & ~mask;
    struct stat mine;
    if (found->exists && fstat(fd, &mine) == 0 &&
        (mine.st_uid != found->status.st_uid || mine.st_gid != found->status.st_gid) &&
        fchown(fd, found->status.st_uid, found->status.st_gid) != 0)
        return -errno;
    return fchmod(fd, mode) == 0 ? 0 : -errno;
}

static int open_beside(struct atomic_file *draft, const struct found *found)
{
    int fd = open_nameless(draft->place);
    if (fd < 0)
        fd = open_named(draft);
    if (fd < 0)
        return fd;
    int error = set_usual_mode(fd, found);
    if (!error)
        return open_stream(draft, fd);
    close(fd);
    if (draft->beside)
        unlink(draft->beside);
    forget_beside(draft);
    return error;
}

static int open_regular(struct atomic_file *draft, const struct found *found)
{
    draft->place = strdup(found->place);
    if (!draft->place)
        return -ENOMEM;
    if (found->exists) {
        int fd = open(draft->place, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
            return -errno;
        draft->existing = fd + 1;
        note_identity(draft, fd);
    }
    bool has_links = found->exists && found->status.st_nlink > 1;
    int error = has_links ? -EMLINK : open_beside(draft, found);
    if (!error || !found->exists)
        return error;
    draft->from_memory = true;
    return open_stream(draft, memfd_create("draft", MFD_CLOEXEC));
}

static int open_found(struct atomic_file *draft, const struct found *found)
{
    if (found->descriptor != DESCRIPTOR_NONE)
        return open_descriptor(draft, found->descriptor);
    if (!found->exists || S_ISREG(found->status.st_mode))
        return open_regular(draft, found);
    return open_stream(draft, open(found->place, O_WRONLY | O_CLOEXEC | O_NOCTTY));
}

int atomic_file_open(struct atomic_file *draft, const char *path)
{
    struct found found;
    *draft = (struct atomic_file){.out = NULL};
    int error = find(path, &found);
    if (!error)
        error = open_found(draft, &found);
    if (error)
        forget(draft);
    else if (!draft->place)
        note_identity(draft, fileno(draft->out));
    return error;
}

bool atomic_file_same(const struct atomic_file *a, const struct atomic_file *b)
{
    if (a->place && b->place && strcmp(a->place, b->place) == 0)
        return true;
    return a->inode != 0 && a->inode == b->inode && a->device == b->device;
}

bool atomic_file_may_wait(const struct atomic_file *draft)
{
    return draft->out && !draft->place;
}

/* ---- Keeping ---- */

/* Gives a name to what has none: linkat(2) doesn't replace, so one beside the place. */
static int name_it(struct atomic_file *draft)
{
    char own[32], end[32];
    snprintf(end, sizeof end, "%ld-%d", (long)getpid(), fileno(draft->out));
    int error = name_beside(draft, end);
    if (error)
        return error;
    print_own_name(own, fileno(draft->out));
    if (linkat(AT_FDCWD, own, AT_FDCWD, draft->beside, AT_SYMLINK_FOLLOW) == 0)
        return 0;
    error = -errno;
    forget_beside(draft);
    return error;
}

static int replace(struct atomic_file *draft)
{
    int error = fsync(fileno(draft->out)) != 0 ? -errno : 0;
    if (!error && !draft->beside)
        error = name_it(draft);
    if (!error && rename(draft->beside, draft->place) != 0)
        error = -errno;
    if (!error)
        forget_beside(draft);
    return error;
}

/* Copies size bytes from the beginning of one file to that of another. 0 or -errno. */
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

/* Reserves the room first, so that a full disk leaves the old file as it was; not every file system
 * can. */
static int reserve(int fd, off_t size)
{
    if (size == 0 || fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, size) == 0)
        return 0;
    return errno == ENOSPC || errno == EDQUOT || errno == EFBIG || errno == EIO ? -errno : 0;
}

/* Writes what is at the place over by the draft. */
static int overwrite(struct atomic_file *draft)
{
    int from = fileno(draft->out), to = draft->existing - 1;
    struct stat status;
    int error = fstat(from, &status) == 0 ? reserve(to, status.st_size) : -errno;
    if (!error)
        error = copy(from, to, status.st_size);
    if (!error && (ftruncate(to, status.st_size) != 0 || fsync(to) != 0))
        error = -errno;
    return error;
}

static int put_in_place(struct atomic_file *draft)
{
    int error = draft->from_memory ? -EXDEV : replace(draft);
    return error && draft->existing ? overwrite(draft) : error;
}

int atomic_file_commit(struct atomic_file *draft)
{
    bool failed = fflush(draft->out) != 0 || ferror(draft->out);
    int error = failed ? -errno : 0;

    if (failed && !error)
        error = -EIO;
    if (!error && draft->place)
        error = put_in_place(draft);
    atomic_file_discard(draft);
    return error;
}

void atomic_file_discard(struct atomic_file *draft)
{
    if (!draft->out)
        return;
    fclose(draft->out);
    forget(draft);
}
