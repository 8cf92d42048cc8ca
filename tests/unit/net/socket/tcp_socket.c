/* TCP sockets: listening, accepting, connecting. */
#include "net/socket/tcp_socket.h"

#include "addr_fixture.h"
#include "net/socket/socket_address.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

TestSuite(tcp_socket, .timeout = 20);

static void await(int fd, short events)
{
    struct pollfd wait = {.fd = fd, .events = events};
    cr_assert_eq(poll(&wait, 1, 10000), 1);
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    cr_assert_eq(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

/* A listener, and both ends of a connection to it. */
struct pair {
    int listener, near, far;
    struct addr bound, peer;
};

static struct pair connect_pair(const char *text)
{
    struct pair pair;
    struct addr addr = address(text);
    pair.listener = tcp_listen(&addr, &pair.bound);
    cr_assert_geq(pair.listener, 0, "%s: %s", text, strerror(-pair.listener));
    cr_assert_neq(pair.bound.port, 0);
    pair.far = tcp_connect(&pair.bound);
    cr_assert_geq(pair.far, 0);
    await(pair.listener, POLLIN);
    pair.near = tcp_accept(pair.listener, &pair.peer);
    cr_assert_geq(pair.near, 0);
    await(pair.far, POLLOUT);
    cr_assert_eq(tcp_connect_result(pair.far), 0);
    return pair;
}

static void close_pair(const struct pair *pair)
{
    close(pair->listener);
    close(pair->near);
    close(pair->far);
}

Test(tcp_socket, accepts_and_reports_the_peer)
{
    struct pair pair = connect_pair("127.0.0.1:0");
    union socket_address name;
    struct addr far;
    socklen_t size = sizeof name;
    cr_assert_eq(getsockname(pair.far, &name.any, &size), 0);
    addr_from_sockaddr(&far, &name);
    cr_assert(addr_equal(&far, &pair.peer));
    cr_assert_eq(tcp_accept(pair.listener, &far), -EAGAIN);
    close_pair(&pair);
}

Test(tcp_socket, both_ends_send_at_once_detect_dead_peers_and_never_block)
{
    struct pair pair = connect_pair("127.0.0.1:0");
    const int ends[] = {pair.near, pair.far};
    for (int i = 0; i < 2; i++) {
        char byte;
        cr_assert_neq(option(ends[i], IPPROTO_TCP, TCP_NODELAY), 0);
        cr_assert_neq(option(ends[i], SOL_SOCKET, SO_KEEPALIVE), 0);
        cr_assert_eq(option(ends[i], IPPROTO_TCP, TCP_KEEPIDLE), 60);
        cr_assert_eq(recv(ends[i], &byte, 1, 0), -1);
        cr_assert_eq(errno, EAGAIN);
    }
    close_pair(&pair);
}

Test(tcp_socket, the_kernel_buffers_little_for_a_peer_that_does_not_read)
{
    struct pair pair = connect_pair("127.0.0.1:0");
    static char bytes[16 << 10];
    int small = 4096;
    ssize_t sent, total = 0;
    setsockopt(pair.far, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    while ((sent = send(pair.near, bytes, sizeof bytes, MSG_NOSIGNAL)) > 0)
        total += sent;
    cr_assert_eq(errno, EAGAIN);
    cr_assert_lt(total, 1 << 20, "%zd bytes", total);
    close_pair(&pair);
}

Test(tcp_socket, a_port_where_a_socket_listens_is_refused)
{
    struct pair pair = connect_pair("127.0.0.1:0");
    struct addr bound;
    cr_assert_eq(tcp_listen(&pair.bound, &bound), -EADDRINUSE);
    close_pair(&pair);
}

Test(tcp_socket, a_port_with_old_connections_is_free)
{
    struct pair pair = connect_pair("127.0.0.1:0");
    struct addr bound;
    close(pair.near); /* our side closes first, and is in TIME_WAIT afterwards */
    close(pair.listener);
    await(pair.far, POLLIN);
    close(pair.far);
    int again = tcp_listen(&pair.bound, &bound);
    cr_assert_geq(again, 0, "%s", strerror(-again));
    cr_assert(addr_equal(&bound, &pair.bound));
    close(again);
}

Test(tcp_socket, a_refusal_is_reported)
{
    struct pair pair = connect_pair("127.0.0.1:0");
    close_pair(&pair);
    int fd = tcp_connect(&pair.bound);
    if (fd < 0) {
        cr_assert_eq(fd, -ECONNREFUSED);
        return;
    }
    await(fd, POLLOUT);
    cr_assert_eq(tcp_connect_result(fd), -ECONNREFUSED);
    close(fd);
}

Test(tcp_socket, addresses_that_no_interface_has_are_refused)
{
    struct addr addr = address("192.0.2.1:0"), none = {.family = ADDR_NONE}, bound;
    cr_assert_eq(tcp_listen(&addr, &bound), -EADDRNOTAVAIL);
    cr_assert_eq(tcp_listen(&none, &bound), -EAFNOSUPPORT);
    cr_assert_eq(tcp_connect(&none), -EAFNOSUPPORT);
}

Test(tcp_socket, ipv6_accepts_ipv6_only)
{
    struct addr addr = address("[::]:0"), bound;
    int fd = tcp_listen(&addr, &bound);
    if (fd == -EAFNOSUPPORT)
        cr_skip("this host has no IPv6");
    cr_assert_geq(fd, 0);
    cr_assert_eq(option(fd, IPPROTO_IPV6, IPV6_V6ONLY), 1);
    close(fd);
}

Test(tcp_socket, connects_within_a_time_or_reports_why_not)
{
    struct pair pair = connect_pair("127.0.0.1:0");
    int fd = tcp_connect_within(&pair.bound, 10000);
    cr_assert_geq(fd, 0, "%s", strerror(-fd));
    close(fd);
    close_pair(&pair);
    cr_assert_eq(tcp_connect_within(&pair.bound, 10000), -ECONNREFUSED);
}

Test(tcp_socket, returns_after_the_time_if_the_peer_does_not_reply)
{
    struct addr any = address("127.0.0.1:0"), bound;
    int listener = socket(AF_INET, SOCK_STREAM, 0), fds[8], count = 0, fd = 0;
    union socket_address name;
    socklen_t size = sockaddr_from_addr(&name, &any);
    cr_assert_eq(bind(listener, &name.any, size), 0);
    cr_assert_eq(listen(listener, 0), 0);
    size = sizeof name;
    cr_assert_eq(getsockname(listener, &name.any, &size), 0);
    addr_from_sockaddr(&bound, &name);
    /* Nothing accepts: after the backlog is full, the next SYN gets no reply. */
    while (count < 8 && (fd = tcp_connect_within(&bound, 200)) >= 0)
        fds[count++] = fd;
    cr_assert_eq(fd, -ETIMEDOUT);
    while (count > 0)
        close(fds[--count]);
    close(listener);
}
