#include "net/unix/unix_client.h"

#include "net/unix/unix_address.h"
#include "os/process/clock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int connect_nonblocking(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) != 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

int unix_client_connect(const char *path, uint32_t timeout_ms)
{
    const struct timeval timeout = {(time_t)(timeout_ms / 1000),
                                    (suseconds_t)(timeout_ms % 1000 * 1000)};
    struct sockaddr_un address;

    int error = unix_address_set(&address, path);
    if (error)
        return error;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

int unix_client_connect_nonblocking(const char *path)
{
    struct sockaddr_un address;

    int error = unix_address_set(&address, path);
    return error ? error : connect_nonblocking(&address);
}

int unix_client_write_all(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;

    while (size > 0) {
        ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return -errno;
        if (sent > 0) {
            at += sent;
            size -= (size_t)sent;
        }
    }
    return 0;
}

ssize_t unix_client_read_until(int fd, void *bytes, size_t capacity, uint64_t until_ms)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};

    for (;;) {
        ssize_t size = recv(fd, bytes, capacity, MSG_DONTWAIT);
        if (size >= 0)
            return size;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        uint64_t now_ms = clock_now_ms();
        if (now_ms >= until_ms)
            return -EAGAIN;
        uint64_t left_ms = until_ms - now_ms;
        if (poll(&wait, 1, left_ms < INT_MAX ? (int)left_ms : INT_MAX) < 0 && errno != EINTR)
            return -errno;
    }
}
