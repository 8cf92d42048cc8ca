#include "net/socket/socket_descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

void socket_close(int socket)
{
    close(socket);
}

int socket_duplicate(int socket)
{
    int fd = fcntl(socket, F_DUPFD_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

int socket_open_placeholder(void)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

int socket_replace_by_duplicate(int old, int source)
{
    return dup3(source, old, O_CLOEXEC) < 0 ? -errno : 0;
}

int socket_replace(int old, int new)
{
    int error = socket_replace_by_duplicate(old, new);
    if (error == 0)
        close(new);
    return error;
}

uint64_t socket_cookie(int socket)
{
    uint64_t cookie = 0;
    socklen_t size = sizeof cookie;

    return getsockopt(socket, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}
