#include "net/socket/socket_descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
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

bool socket_is_placeholder(int socket)
{
    int domain = 0;
    socklen_t size = sizeof domain;
    return getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

void socket_set_owner(int socket, const struct identity *owner)
{
    if (owner->uid != (uid_t)-1 && fchown(socket, owner->uid, (gid_t)-1) != 0)
        return; /* see the header */
}

bool socket_has_other_owner(int socket)
{
    struct stat found;
    return fstat(socket, &found) == 0 && found.st_uid != geteuid();
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
