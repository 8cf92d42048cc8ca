#include "net/socket/socket_buffer.h"

#include <limits.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static uint32_t set_buffer(int socket, int force_option, int option, uint32_t bytes)
{
    /* The kernel doubles what is asked for, for its own bookkeeping: socket(7). */
    int asked = bytes < INT_MAX / 2 ? (int)bytes : INT_MAX / 2;
    int given = 0;
    socklen_t size = sizeof given;

    if (asked > 0 && setsockopt(socket, SOL_SOCKET, force_option, &asked, sizeof asked) != 0)
        setsockopt(socket, SOL_SOCKET, option, &asked, sizeof asked);
    getsockopt(socket, SOL_SOCKET, option, &given, &size);
    return (uint32_t)given / 2;
}

uint32_t socket_set_receive_buffer(int socket, uint32_t bytes)
{
    return set_buffer(socket, SO_RCVBUFFORCE, SO_RCVBUF, bytes);
}

/* Without the privilege for SO_RCVBUFFORCE, SO_RCVBUF would lower a buffer that is larger than the
 * kernel's limit. That limit is the same for all sockets, so another one shows it. */
uint32_t socket_raise_receive_buffer(int fd, uint32_t bytes)
{
    int has = 0, asked = bytes < INT_MAX / 2 ? (int)bytes : INT_MAX / 2;
    socklen_t size = sizeof has;

    getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &has, &size);
    if (has / 2 >= asked)
        return (uint32_t)has / 2;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &asked, sizeof asked) == 0)
        return socket_set_receive_buffer(fd, 0);
    int probe = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    uint32_t limit = probe >= 0 ? socket_set_receive_buffer(probe, bytes) : 0;
    if (probe >= 0)
        close(probe);
    return limit > (uint32_t)has / 2 ? socket_set_receive_buffer(fd, bytes) : (uint32_t)has / 2;
}

uint32_t socket_set_send_buffer(int socket, uint32_t bytes)
{
    return set_buffer(socket, SO_SNDBUFFORCE, SO_SNDBUF, bytes);
}

uint32_t socket_raise_send_buffer(int socket, uint32_t bytes)
{
    uint32_t has = socket_send_buffer_limit(socket) / 2;
    return has >= bytes ? has : socket_set_send_buffer(socket, bytes);
}

uint32_t socket_send_buffer_limit(int socket)
{
    int bytes = 0;
    socklen_t size = sizeof bytes;

    getsockopt(socket, SOL_SOCKET, SO_SNDBUF, &bytes, &size);
    return (uint32_t)bytes;
}

uint32_t socket_send_buffer_used(int socket)
{
    int bytes = 0;
    return ioctl(socket, SIOCOUTQ, &bytes) == 0 && bytes > 0 ? (uint32_t)bytes : 0;
}

uint32_t socket_receive_drops(int socket)
{
    uint32_t memory[SK_MEMINFO_VARS] = {0};
    socklen_t size = sizeof memory;

    getsockopt(socket, SOL_SOCKET, SO_MEMINFO, memory, &size);
    return memory[SK_MEMINFO_DROPS];
}
