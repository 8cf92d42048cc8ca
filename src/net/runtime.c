/* Where the control socket stands when nobody says otherwise. */
#include "net/runtime.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT_DIRECTORY "/run/udpsrv"
#define SOCKET_NAME    "udpsrv.sock"

static void tmp_directory(char directory[RUNTIME_PATH_BYTES])
{
    snprintf(directory, RUNTIME_PATH_BYTES, "/tmp/udpsrv-%lu", (unsigned long)geteuid());
}

int runtime_socket_path(char *path, size_t room)
{
    char built_in[RUNTIME_PATH_BYTES] = ROOT_DIRECTORY;
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

/* Makes it with its very mode, whatever the umask. 0, -EEXIST if something stands there, -errno. */
static int make(const char *directory, mode_t mode)
{
    if (mkdir(directory, mode & 0700) != 0)
        return -errno;
    return chmod(directory, mode) == 0 ? 0 : -errno;
}

/* Anyone may put something under this name into /tmp before we do. */
static int check_ours(const char *directory)
{
    struct stat status;
    if (lstat(directory, &status) != 0)
        return -errno;
    if (!S_ISDIR(status.st_mode))
        return -ENOTDIR;
    return status.st_uid == geteuid() && (status.st_mode & 0077) == 0 ? 0 : -EPERM;
}

/* What we are going to be must be able to remove the socket from the directory. */
static int give(const char *directory, const struct identity *owner)
{
    return chown(directory, owner->uid, owner->gid) == 0 ? 0 : -errno;
}

int runtime_directory_make(const char *socket_path, const struct identity *owner)
{
    char mine[RUNTIME_PATH_BYTES];
    tmp_directory(mine);
    if (stands_in(socket_path, mine)) {
        int error = make(mine, 0700);
        return error == -EEXIST ? check_ours(mine) : error;
    }
    if (geteuid() == 0 && stands_in(socket_path, ROOT_DIRECTORY)) {
        int error = make(ROOT_DIRECTORY, 0755);
        return error == 0 || error == -EEXIST ? give(ROOT_DIRECTORY, owner) : error;
    }
    return 0;
}
