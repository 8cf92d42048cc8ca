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
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

int socket_replace(int old, int new)
{
    if (dup3(new, old, O_CLOEXEC) < 0)
        return -errno;
    close(new);
    return 0;
}
