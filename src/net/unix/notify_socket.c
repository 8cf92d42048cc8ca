#include "net/unix/notify_socket.h"

#include "os/process/clock.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int notify_socket_open(const char *address)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    size_t size = strlen(address);

    if (size >= sizeof name.sun_path)
        return -ENAMETOOLONG;
    memcpy(name.sun_path, address, size);
    /* An abstract name begins with a NUL, and ends with the length of the address. */
    if (address[0] == '@')
        name.sun_path[0] = '\0';
    else
        size++;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    if (connect(fd, (const struct sockaddr *)&name, length) != 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

int notify_socket_send(int socket, const char *text)
{
    ssize_t sent;

    do
        sent = send(socket, text, strlen(text), MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

bool notify_socket_await_room(int socket, uint64_t until_ms)
{
    struct pollfd wait = {.fd = socket, .events = POLLOUT};
    for (;;) {
        uint64_t now_ms = clock_now_ms();
        uint64_t left_ms = now_ms < until_ms ? until_ms - now_ms : 0;
        int ready = poll(&wait, 1, left_ms < 1000 ? (int)left_ms : 1000);
        if (ready > 0)
            return true;
        if ((ready < 0 && errno != EINTR) || left_ms == 0)
            return false;
    }
}

void notify_socket_close(int socket)
{
    close(socket);
}
