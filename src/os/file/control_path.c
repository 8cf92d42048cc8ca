#include "os/file/control_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT_DIRECTORY "/run/udpsrv"
#define SOCKET_NAME    "udpsrv.sock"

static void tmp_directory(char directory[CONTROL_PATH_BYTES])
{
    snprintf(directory, CONTROL_PATH_BYTES, "/tmp/udpsrv-%lu", (unsigned long)geteuid());
}

int control_path_default(char *path, size_t capacity)
{
    char standard[CONTROL_PATH_BYTES] = ROOT_DIRECTORY;
    const char *directory = standard;
    if (geteuid() != 0) {
        directory = getenv("XDG_RUNTIME_DIR");
        /* The XDG Base Directory Specification: a relative path is to be ignored. */
        if (!directory || *directory != '/') {
            tmp_directory(standard);
            directory = standard;
        }
    }
    int size = snprintf(path, capacity, "%s/%s", directory, SOCKET_NAME);
    return size < 0 || (size_t)size >= capacity ? -ENAMETOOLONG : 0;
}

static bool is_in(const char *path, const char *directory)
{
    size_t size = strlen(directory);
    return strncmp(path, directory, size) == 0 && path[size] == '/' &&
           !strchr(path + size + 1, '/');
}

/* Makes the directory with exactly this mode, whatever the umask, or opens an existing one. Returns
 * its descriptor, so that all checks are about the same directory, or -errno (-ENOTDIR: a symbolic
 * link, or a file). */
static int open_directory(const char *directory, mode_t mode)
{
    mode_t before = umask(0);
    int error = mkdir(directory, mode) == 0 || errno == EEXIST ? 0 : -errno;
    umask(before);
    if (error)
        return error;
    int fd = open(directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* Any user can make something of this name in /tmp first. */
static int check_private(int directory)
{
    struct stat status;
    if (fstat(directory, &status) != 0)
        return -errno;
    return status.st_uid == geteuid() && (status.st_mode & 0077) == 0 ? 0 : -EPERM;
}

/* Gives the directory to the future user of the server, so that only this user can remove the
 * socket, and not the user as which the server ran before. */
static int set_owner(int directory, const struct identity *owner)
{
    uid_t uid = owner->uid == (uid_t)-1 ? geteuid() : owner->uid;
    gid_t gid = owner->gid == (gid_t)-1 ? getegid() : owner->gid;
    struct stat status;
    if (fchownat(directory, "", uid, gid, AT_EMPTY_PATH) != 0 || fstat(directory, &status) != 0)
        return -errno;
    return status.st_mode & 0022 ? -EPERM : 0;
}

int control_path_make_directory(const char *socket_path, const struct identity *owner)
{
    char private[CONTROL_PATH_BYTES];
    tmp_directory(private);
    bool in_tmp = is_in(socket_path, private);
    if (!in_tmp && (geteuid() != 0 || !is_in(socket_path, ROOT_DIRECTORY)))
        return 0;
    int directory = in_tmp ? open_directory(private, 0700) : open_directory(ROOT_DIRECTORY, 0755);
    if (directory < 0)
        return directory;
    int error = in_tmp ? check_private(directory) : set_owner(directory, owner);
    close(directory);
    return error;
}

int control_path_check_directory(const char *socket_path)
{
    char private[CONTROL_PATH_BYTES];
    tmp_directory(private);
    if (!is_in(socket_path, private))
        return 0;
    int directory = open(private, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0)
        return -errno;
    int error = check_private(directory);
    close(directory);
    return error;
}
