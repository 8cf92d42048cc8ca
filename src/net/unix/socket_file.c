#include "net/unix/socket_file.h"

#include "net/unix/listener_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { REMOVE_TIMEOUT_MS = 100 };

/* Some C libraries have no statx: musl before 1.2.5, glibc before 2.28. Kernels before 4.11
 * (ENOSYS) and old sandboxes (EPERM) lack it, too; then the time of creation is not known. */
static int read_attributes(const char *path, struct statx *found)
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

int socket_file_read(const char *path, struct socket_file *file)
{
    struct statx found;
    int error = read_attributes(path, &found);
    if (error != 0)
        return error;
    if (!S_ISSOCK(found.stx_mode))
        return -EEXIST;
    *file = (struct socket_file){
        .owner = {found.stx_uid, found.stx_gid},
        .device = (uint64_t)found.stx_dev_major << 32 | found.stx_dev_minor,
        .inode = found.stx_ino,
    };
    if (found.stx_mask & STATX_BTIME)
        file->born_ns = (uint64_t)found.stx_btime.tv_sec * 1000000000u + found.stx_btime.tv_nsec;
    return 0;
}

/* An inode number may soon be reused by another file, so the time of creation is compared, too. */
bool socket_file_same(const struct socket_file *a, const struct socket_file *b)
{
    return a->device == b->device && a->inode == b->inode && a->born_ns == b->born_ns;
}

bool socket_file_is_at(const char *path, const struct socket_file *file)
{
    struct socket_file found;
    return socket_file_read(path, &found) == 0 && socket_file_same(&found, file);
}

void socket_file_remove(const char *path, const struct socket_file *file)
{
    struct listener_lock lock;
    if (listener_lock_take(&lock, path, REMOVE_TIMEOUT_MS) != 0)
        return;
    if (socket_file_is_at(path, file))
        unlink(path);
    listener_lock_release(&lock);
}
