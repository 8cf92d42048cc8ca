#include "net/message/datagram.h"

#include "os/process/clock.h"

#include <errno.h>
#include <sys/socket.h>

int datagram_send(int socket, const void *bytes, size_t size)
{
    ssize_t sent;
    do
        sent = send(socket, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

ssize_t datagram_receive(int socket, void *bytes, size_t capacity, uint64_t *time_ms)
{
    ssize_t size;
    do
        size = recv(socket, bytes, capacity, MSG_DONTWAIT);
    while (size < 0 && errno == EINTR);
    if (size < 0)
        return -errno;
    *time_ms = clock_wall_ms();
    return size;
}
