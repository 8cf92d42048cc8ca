/* Where the control socket stands when nobody says otherwise. */
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

int control_path_built_in(char *path, size_t room)
{
    char built_in[CONTROL_PATH_BYTES] = ROOT_DIRECTORY;
    const char *directory = built_in;
    if (geteuid() != 0) {
        directory = getenv("XDG_RUNTIME_DIR");
        /* The XDG Base Directory Specification: a relative path is to be ignored. */
        if (!directory || *directory != '/') {
            tmp_directory(built_in);
            directory = built_in;
        }
    }
    int size = snprintf(path, room, "%s/%s", directory, SOCKET_NAME);
    return size < 0 || (size_t)size >= room ? -ENAMETOOLONG : 0;
}

static bool stands_in(const char *path, const char *directory)
{
    size_t size = strlen(directory);
    return strncmp(path, directory, size) == 0 && path[size] == '/' &&
           !strchr(path + size + 1, '/');
}

/* Makes it with its very mode, whatever the umask, or takes what stands there. Its descriptor, so
 * that all is said of one directory, or -errno (-ENOTDIR: a symbolic link, or a file). */
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

/* Anyone may put something under this name into /tmp before we do. */
static int check_ours(int directory)
{
    struct stat status;
    if (fstat(directory, &status) != 0)
        return -errno;
    return status.st_uid == geteuid() && (status.st_mode & 0077) == 0 ? 0 : -EPERM;
}

/* What we are going to be must be able to remove the socket from the directory, and nobody else:
 * not who owned it when the server ran under another name. */
static int give(int directory, const struct identity *owner)
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
    char mine[CONTROL_PATH_BYTES];
    tmp_directory(mine);
    bool in_tmp = stands_in(socket_path, mine);
    if (!in_tmp && (geteuid() != 0 || !stands_in(socket_path, ROOT_DIRECTORY)))
        return 0;
    int directory = in_tmp ? open_directory(mine, 0700) : open_directory(ROOT_DIRECTORY, 0755);
    if (directory < 0)
        return directory;
    int error = in_tmp ? check_ours(directory) : give(directory, owner);
    close(directory);
    return error;
}

int control_path_check_directory(const char *socket_path)
{
    char mine[CONTROL_PATH_BYTES];
    tmp_directory(mine);
    if (!stands_in(socket_path, mine))
        return 0;
    int directory = open(mine, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0)
        return -errno;
    int error = check_ours(directory);
    close(directory);
    return error;
}
