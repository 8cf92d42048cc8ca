#include "net/unix/stale_socket.h"

#include "net/unix/unix_client.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Returns 0 if a process listens at path, or -errno of a connect. */
static int probe(const char *path)
{
    int fd = unix_client_connect_nonblocking(path);

    if (fd >= 0)
        close(fd);
    return fd >= 0 || fd == -EAGAIN ? 0 : fd; /* -EAGAIN: the backlog of a listener is full */
}

int stale_socket_remove(const struct sockaddr_un *address)
{
    struct stat found;

    if (lstat(address->sun_path, &found) != 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(found.st_mode))
        return -EEXIST;
    int error = probe(address->sun_path);
    if (error == 0 || error == -EPROTOTYPE)
        return -EADDRINUSE;
    if (error != -ECONNREFUSED)
        return error;
    return unlink(address->sun_path) == 0 ? 0 : -errno;
}
