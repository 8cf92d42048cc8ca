/* What a descriptor is that another process has opened. */
#include "net/socket/passed_socket.h"
#include "addr_fixture.h"
#include "net/socket/socket_address.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static struct passed_socket passed;

static int open_socket(int domain, int type, int protocol)
{
    int fd = socket(domain, type, protocol);
    if (fd < 0)
        cr_skip("this host has no such socket: %s", strerror(errno));
    return fd;
}

static int bind_at(int fd, const char *text)
{
    union socket_address name;
    struct addr addr = address(text);
    socklen_t size = sockaddr_from_addr(&name, &addr);
    if (bind(fd, &name.any, size) != 0)
        cr_skip("this host has no %s", text);
    return fd;
}

static int udp_at(const char *text)
{
    return bind_at(open_socket(text[0] == '[' ? AF_INET6 : AF_INET, SOCK_DGRAM, 0), text);
}

/* Reads the socket, expects this fault, and closes it. */
static void expect_fault(int fd, enum passed_socket_fault fault)
{
    cr_assert_eq(passed_socket_read(&passed, fd), 0);
    cr_expect_eq(passed.fault, fault, "%d instead of %d", (int)passed.fault, (int)fault);
    cr_expect_eq(passed.descriptor, fd);
    close(fd);
}

Test(passed_socket, a_udp_socket_has_the_address_that_it_is_bound_to)
{
    struct addr bound;
    int fd = udp_at("127.0.0.1:0");
    socket_get_local_addr(fd, &bound);
    expect_fault(fd, PASSED_SOCKET_USABLE);
    cr_expect_eq(passed.transport, TRANSPORT_UDP);
    cr_expect(addr_equal(&passed.addr, &bound));
    cr_expect_not(passed.shares_port);
}

Test(passed_socket, becomes_non_blocking_and_is_closed_on_exec)
{
    int fd = udp_at("127.0.0.1:0");
    cr_assert_eq(passed_socket_read(&passed, fd), 0);
    cr_expect(fcntl(fd, F_GETFL) & O_NONBLOCK);
    cr_expect_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
}

Test(passed_socket, one_that_shares_its_port_is_known)
{
    const int on = 1;
    int fd = open_socket(AF_INET, SOCK_DGRAM, 0);
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), 0);
    expect_fault(bind_at(fd, "127.0.0.1:0"), PASSED_SOCKET_USABLE);
    cr_expect(passed.shares_port);
}

Test(passed_socket, a_udp_socket_without_a_port_is_not_bound)
{
    expect_fault(open_socket(AF_INET, SOCK_DGRAM, 0), PASSED_SOCKET_NOT_BOUND);
}

Test(passed_socket, a_udp_socket_with_a_peer_is_connected)
{
    int fd = udp_at("127.0.0.1:0");
    struct sockaddr_in peer = {
        .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    cr_assert_eq(connect(fd, (struct sockaddr *)&peer, sizeof peer), 0);
    expect_fault(fd, PASSED_SOCKET_CONNECTED);
}

Test(passed_socket, a_tcp_socket_has_to_listen)
{
    int fd = bind_at(open_socket(AF_INET, SOCK_STREAM, 0), "127.0.0.1:0");
    cr_assert_eq(passed_socket_read(&passed, fd), 0);
    cr_expect_eq(passed.fault, PASSED_SOCKET_NOT_LISTENING);
    cr_expect_neq(passed.addr.port, 0, "the address is known for a message");
    cr_assert_eq(listen(fd, 1), 0);
    expect_fault(fd, PASSED_SOCKET_USABLE);
    cr_expect_eq(passed.transport, TRANSPORT_TCP);
}

static int unix_at(const char *path, size_t size, int type)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = open_socket(AF_UNIX, type, 0);
    memcpy(name.sun_path, path, size);
    cr_assert_eq(bind(fd, (struct sockaddr *)&name,
                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)),
                 0, "%s", strerror(errno));
    return fd;
}

Test(passed_socket, a_unix_socket_has_its_path)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/udpsrv-passed-%d", (int)getpid());
    int fd = unix_at(path, strlen(path), SOCK_STREAM);
    cr_assert_eq(listen(fd, 1), 0);
    unlink(path);
    expect_fault(fd, PASSED_SOCKET_USABLE);
    cr_expect_eq(passed.transport, TRANSPORT_UNIX);
    cr_expect_str_eq(passed.path, path);
}

Test(passed_socket, the_longest_path_is_whole)
{
    char path[TRANSPORT_PATH_BYTES];
    memset(path, 'x', sizeof path);
    memcpy(path, "/tmp/", 5);
    path[sizeof path - 1] = '\0';
    int fd = unix_at(path, sizeof path, SOCK_STREAM);
    cr_assert_eq(listen(fd, 1), 0);
    unlink(path);
    expect_fault(fd, PASSED_SOCKET_USABLE);
    cr_expect_str_eq(passed.path, path);
}

Test(passed_socket, an_abstract_name_begins_with_an_at_sign)
{
    char name[64];
    name[0] = '\0';
    snprintf(name + 1, sizeof name - 1, "udpsrv-passed-%d", (int)getpid());
    int fd = unix_at(name, 1 + strlen(name + 1), SOCK_STREAM);
    cr_assert_eq(listen(fd, 1), 0);
    expect_fault(fd, PASSED_SOCKET_USABLE);
    cr_expect_eq(passed.path[0], '@');
    cr_expect_str_eq(passed.path + 1, name + 1);
}

Test(passed_socket, a_socket_of_another_kind_is_known_as_such)
{
    expect_fault(open_socket(AF_UNIX, SOCK_DGRAM, 0), PASSED_SOCKET_OTHER_KIND);
    expect_fault(open_socket(AF_UNIX, SOCK_SEQPACKET, 0), PASSED_SOCKET_OTHER_KIND);
    expect_fault(open_socket(AF_NETLINK, SOCK_RAW, 0), PASSED_SOCKET_OTHER_KIND);
}

Test(passed_socket, a_file_or_a_number_that_is_not_open_is_known_as_such)
{
    int fd = open("/dev/null", O_RDWR);
    cr_assert_geq(fd, 0);
    expect_fault(fd, PASSED_SOCKET_NO_SOCKET);
    cr_assert_eq(passed_socket_read(&passed, fd), 0);
    cr_expect_eq(passed.fault, PASSED_SOCKET_NOT_OPEN);
}

Test(passed_socket, an_ipv6_wildcard_may_not_receive_ipv4)
{
    for (int only = 0; only <= 1; only++) {
        int fd = open_socket(AF_INET6, SOCK_DGRAM, 0);
        cr_assert_eq(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only), 0);
        expect_fault(bind_at(fd, "[::]:0"), only ? PASSED_SOCKET_USABLE : PASSED_SOCKET_DUAL_STACK);
    }
}

Test(passed_socket, another_ipv6_address_never_receives_ipv4)
{
    const int off = 0;
    int fd = open_socket(AF_INET6, SOCK_DGRAM, 0);
    cr_assert_eq(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off), 0);
    expect_fault(bind_at(fd, "[::1]:0"), PASSED_SOCKET_USABLE);
    cr_expect_eq(passed.addr.family, ADDR_IPV6);
}
