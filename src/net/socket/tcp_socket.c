#include "net/socket/tcp_socket.h"

#include "net/socket/socket_address.h"
#include "net/socket/socket_option.h"
#include "os/process/clock.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <unistd.h>

enum {
    /* Connections that wait to be accepted; the kernel limits it to net.core.somaxconn, 4096 since
     * Linux 5.4. */
    BACKLOG = 4096,
    /* A peer that disappeared without closing is detected after 60 + 4 * 15 seconds, two minutes;
     * with the kernel's default values (tcp(7)) it takes more than two hours. */
    KEEPALIVE_IDLE_S = 60,
    KEEPALIVE_INTERVAL_S = 15,
    KEEPALIVE_COUNT = 4,
    /* What the kernel keeps unsent for a peer that does not read; otherwise its buffers grow to
     * megabytes (tcp(7), tcp_wmem). */
    UNSENT_BYTES = 64 << 10,
};

static void set(int socket, int level, int option, int value)
{
    setsockopt(socket, level, option, &value, sizeof value);
}

/* None of these can fail on a TCP socket, and the connection works without them. */
static void set_connection_options(int socket)
{
    set(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    set(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(socket, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
    set(socket, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
    set(socket, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT);
    set(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT_BYTES);
}

static int open_tcp(const struct addr *addr)
{
    if (addr->family != ADDR_IPV4 && addr->family != ADDR_IPV6)
        return -EAFNOSUPPORT;
    int family = addr->family == ADDR_IPV4 ? AF_INET : AF_INET6;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

static int listen_at(const struct addr *addr, bool freebind, struct addr *bound)
{
    union socket_address name;
    socklen_t size = sockaddr_from_addr(&name, addr);
    int fd = open_tcp(addr);

    if (fd < 0)
        return fd;
    set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    int error = 0;
    if (addr->family == ADDR_IPV6)
        error = socket_option_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (!error && freebind)
        error = addr->family == ADDR_IPV6 ? socket_option_set(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1)
                                          : socket_option_set(fd, IPPROTO_IP, IP_FREEBIND, 1);
    if (!error && (bind(fd, &name.any, size) != 0 || listen(fd, BACKLOG) != 0))
        error = -errno;
    if (!error)
        error = socket_get_local_addr(fd, bound);
    if (error) {
        close(fd);
        return error;
    }
    return fd;
}

int tcp_listen(const struct addr *addr, struct addr *bound)
{
    return listen_at(addr, false, bound);
}

int tcp_listen_freebind(const struct addr *addr, struct addr *bound)
{
    return listen_at(addr, true, bound);
}

/* Errors of the accepted connection, not of the listener: accept(2), "Error handling". */
static bool is_of_connection(int error)
{
    switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
        return true;
    default:
        return false;
    }
}

int tcp_accept(int listener, struct addr *peer)
{
    union socket_address name;
    int fd;

    do {
        socklen_t size = sizeof name;
        fd = accept4(listener, &name.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (fd < 0 && is_of_connection(errno));
    if (fd < 0)
        return -errno;
    addr_from_sockaddr(peer, &name);
    set_connection_options(fd);
    return fd;
}

int tcp_connect(const struct addr *addr)
{
    union socket_address name;
    socklen_t size = sockaddr_from_addr(&name, addr);
    int fd = open_tcp(addr);

    if (fd < 0)
        return fd;
    set_connection_options(fd);
    if (connect(fd, &name.any, size) != 0 && errno != EINPROGRESS) {
        int error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

int tcp_connect_result(int socket)
{
    int error = 0;
    socklen_t size = sizeof error;

    if (getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        return -errno;
    return -error;
}

static int await_connection(int fd, uint32_t timeout_ms)
{
    uint64_t now_ms = clock_now_ms(), end_ms = now_ms + timeout_ms;

    for (; now_ms < end_ms; now_ms = clock_now_ms()) {
        struct pollfd wait = {.fd = fd, .events = POLLOUT};
        uint64_t left_ms = end_ms - now_ms;
        int ready = poll(&wait, 1, left_ms < INT32_MAX ? (int)left_ms : INT32_MAX);
        if (ready > 0)
            return tcp_connect_result(fd);
        if (ready < 0 && errno != EINTR)
            return -errno;
    }
    return -ETIMEDOUT;
}

int tcp_connect_within(const struct addr *addr, uint32_t timeout_ms)
{
    int fd = tcp_connect(addr);
    if (fd < 0)
        return fd;
    int error = await_connection(fd, timeout_ms);
    if (error != 0) {
        close(fd);
        return error;
    }
    return fd;
}
