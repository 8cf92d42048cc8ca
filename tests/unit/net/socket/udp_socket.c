/* UDP sockets: options, binding, buffers and drops of a server's socket; a client's socket. */
#include "net/socket/udp_socket.h"

#include "addr_fixture.h"
#include "net/interface/interface.h"
#include "net/socket/name_lookup.h"
#include "net/socket/socket_address.h"
#include "net/socket/socket_buffer.h"
#include "net/socket/socket_descriptor.h"
#include "net/socket/socket_option.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Opens a socket, which must succeed. */
static int open_on(const char *text, struct addr *bound)
{
    struct udp_socket_options options = {0};
    struct addr addr = address(text);
    int fd = udp_socket_open(&addr, &options, bound);
    cr_assert_geq(fd, 0, "%s: %s", text, strerror(-fd));
    return fd;
}

static void skip_without_ipv6(void)
{
    struct udp_socket_options options = {0};
    struct addr addr = address("::1"), bound;
    int fd = udp_socket_open(&addr, &options, &bound);
    if (fd < 0)
        cr_skip("this host has no IPv6: %s", strerror(-fd));
    socket_close(fd);
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    cr_assert_eq(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

static void await(int fd, short events)
{
    struct pollfd wait = {.fd = fd, .events = events};
    cr_assert_eq(poll(&wait, 1, 10000), 1);
}

static void send_to(int fd, const struct addr *to, const char *text)
{
    union socket_address sockaddr;
    socklen_t size = sockaddr_from_addr(&sockaddr, to);
    ssize_t sent = sendto(fd, text, strlen(text), 0, &sockaddr.any, size);
    cr_assert_eq(sent, (ssize_t)strlen(text));
}

/* ---- A server's socket ---- */

Test(udp_socket, reports_the_port_that_the_kernel_picked)
{
    struct addr bound;
    int fd = open_on("127.0.0.1:0", &bound);
    cr_assert_neq(bound.port, 0);
    cr_assert_eq(bound.family, ADDR_IPV4);
    cr_assert_eq(memcmp(bound.ip, (uint8_t[]){127, 0, 0, 1}, 4), 0);
    socket_close(fd);
}

Test(udp_socket, second_one_on_a_port_is_refused)
{
    struct udp_socket_options options = {0};
    struct addr bound, again;
    int fd = open_on("127.0.0.1:0", &bound);
    cr_assert_eq(udp_socket_open(&bound, &options, &again), -EADDRINUSE);
    socket_close(fd);
}

Test(udp_socket, ipv6_wildcard_leaves_the_port_to_ipv4)
{
    skip_without_ipv6();
    struct udp_socket_options options = {0};
    struct addr bound, ipv4 = address("0.0.0.0"), bound4;
    int fd4 = -EADDRINUSE;
    /* Another program may have the port over IPv4. */
    for (int tries = 0; tries < 20 && fd4 == -EADDRINUSE; tries++) {
        int fd = open_on("[::]:0", &bound);
        ipv4.port = bound.port;
        fd4 = udp_socket_open(&ipv4, &options, &bound4);
        socket_close(fd);
    }
    cr_assert_geq(fd4, 0, "%s", strerror(-fd4));
    socket_close(fd4);
}

Test(udp_socket, ipv4_options_are_those_of_a_public_server)
{
    struct addr bound;
    int fd = open_on("127.0.0.1:0", &bound);
    cr_assert_eq(option(fd, IPPROTO_IP, IP_MULTICAST_ALL), 0);
    cr_assert_eq(option(fd, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_OMIT);
    cr_assert_eq(option(fd, IPPROTO_IP, IP_RECVERR), 0);
    cr_assert_eq(option(fd, SOL_SOCKET, SO_REUSEADDR), 0);
    cr_assert_eq(option(fd, SOL_SOCKET, SO_REUSEPORT), 0);
    socket_close(fd);
}

Test(udp_socket, ipv6_options_are_those_of_a_public_server)
{
    skip_without_ipv6();
    struct addr bound;
    int fd = open_on("[::1]:0", &bound);
    cr_assert_eq(option(fd, IPPROTO_IPV6, IPV6_V6ONLY), 1);
    cr_assert_eq(option(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL), 0);
    cr_assert_eq(option(fd, IPPROTO_IPV6, IPV6_RECVERR), 0);
    cr_assert_eq(option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO), 0);
    socket_close(fd);
}

/* Returns a socket that is bound as any program binds one. */
static int open_plain(int family, const char *text, struct addr *bound)
{
    union socket_address name;
    struct addr addr = address(text);
    socklen_t size = sockaddr_from_addr(&name, &addr);
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, &name.any, size) != 0)
        cr_skip("this host has no %s", text);
    cr_assert_eq(socket_get_local_addr(fd, bound), 0);
    return fd;
}

Test(udp_socket, an_adopted_one_has_the_same_options_and_keeps_what_it_has_received)
{
    struct udp_socket_options options = {.receive_buffer_bytes = 200 << 10,
                                         .send_buffer_bytes = 120 << 10};
    struct addr bound;
    char text[8] = "";
    int fd = open_plain(AF_INET, "0.0.0.0:0", &bound);
    struct addr to = address("127.0.0.1:0");
    to.port = bound.port;
    int client = udp_socket_connect(&to);
    cr_assert_eq(send(client, "early", 5, 0), 5);
    cr_assert_eq(udp_socket_adopt(fd, &bound, &options), 0);
    cr_expect_eq(option(fd, IPPROTO_IP, IP_MULTICAST_ALL), 0);
    cr_expect_eq(option(fd, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_OMIT);
    cr_expect_eq(option(fd, IPPROTO_IP, IP_PKTINFO), 1);
    cr_expect_eq(options.receive_buffer_actual_bytes, 200 << 10);
    cr_expect_eq(options.send_buffer_actual_bytes, 120 << 10);
    cr_assert_eq(recv(fd, text, sizeof text, 0), 5);
    cr_expect_str_eq(text, "early");
    socket_close(client);
    socket_close(fd);
}

Test(udp_socket, an_adopted_one_reports_only_the_destination)
{
    static const int on = 1,
                     options[] = {SO_TIMESTAMP, SO_TIMESTAMPNS, SO_TIMESTAMPING, SO_RXQ_OVFL};
    struct udp_socket_options requested = {0};
    struct addr bound;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        int fd = open_plain(AF_INET, i % 2 == 0 ? "127.0.0.1:0" : "0.0.0.0:0", &bound);
        cr_assert_eq(setsockopt(fd, SOL_SOCKET, options[i], &on, sizeof on), 0);
        cr_assert_eq(setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on), 0);
        cr_assert_eq(setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on), 0);
        cr_assert_eq(udp_socket_adopt(fd, &bound, &requested), 0);
        cr_expect_eq(option(fd, SOL_SOCKET, options[i]), 0);
        cr_expect_eq(option(fd, IPPROTO_IP, IP_RECVERR), 0);
        cr_expect_eq(option(fd, IPPROTO_IP, IP_PKTINFO), i % 2);
        socket_close(fd);
    }
}

Test(udp_socket, an_adopted_one_of_ipv6_has_the_same_options)
{
    skip_without_ipv6();
    struct udp_socket_options options = {0};
    struct addr bound;
    int fd = open_plain(AF_INET6, "[::1]:0", &bound);
    cr_assert_eq(udp_socket_adopt(fd, &bound, &options), 0);
    cr_expect_eq(option(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL), 0);
    cr_expect_eq(option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO), 0);
    socket_close(fd);
}

Test(udp_socket, one_that_may_be_missing_is_bound_to_an_address_that_no_interface_has)
{
    static const char *const missing[] = {"192.0.2.1", "2001:db8::1"};
    for (int i = 0; i < 2; i++) {
        struct udp_socket_options options = {.may_be_missing = true};
        struct addr addr = address(missing[i]), bound;
        int fd = udp_socket_open(&addr, &options, &bound);
        if (fd == -EAFNOSUPPORT)
            continue;
        cr_assert_geq(fd, 0, "%s: %s", missing[i], strerror(-fd));
        cr_assert(options.is_missing);
        cr_assert_arr_eq(bound.ip, addr.ip, sizeof bound.ip);
        socket_close(fd);
        options.may_be_missing = false;
        cr_assert_eq(udp_socket_open(&addr, &options, &bound), -EADDRNOTAVAIL);
    }
}

Test(udp_socket, one_that_may_be_missing_is_bound_normally_if_the_address_is_there)
{
    struct udp_socket_options options = {.may_be_missing = true};
    struct addr addr = address("127.0.0.1"), broadcast = address("127.255.255.255"), bound;
    int fd = udp_socket_open(&addr, &options, &bound);
    cr_assert_geq(fd, 0);
    cr_assert_not(options.is_missing);
    cr_assert_eq(option(fd, IPPROTO_IP, IP_FREEBIND), 0);
    cr_assert_eq(udp_socket_open(&broadcast, &options, &bound), -EADDRNOTAVAIL);
    socket_close(fd);
}

Test(udp_socket, only_a_wildcard_reports_destinations)
{
    struct addr bound;
    int fd = open_on("127.0.0.1:0", &bound);
    cr_assert_eq(option(fd, IPPROTO_IP, IP_PKTINFO), 0);
    socket_close(fd);
    fd = open_on("0.0.0.0:0", &bound);
    cr_assert_eq(option(fd, IPPROTO_IP, IP_PKTINFO), 1);
    socket_close(fd);
}

Test(udp_socket, ipv6_wildcard_reports_destinations)
{
    skip_without_ipv6();
    struct addr bound;
    int fd = open_on("[::]:0", &bound);
    cr_assert_eq(option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO), 1);
    socket_close(fd);
}

Test(udp_socket, never_blocks)
{
    struct addr bound;
    char byte;
    int fd = open_on("127.0.0.1:0", &bound);
    cr_assert_eq(recv(fd, &byte, 1, 0), -1);
    cr_assert_eq(errno, EAGAIN);
    socket_close(fd);
}

Test(udp_socket, reports_the_sizes_of_its_buffers)
{
    struct udp_socket_options options = {.receive_buffer_bytes = 65536, .send_buffer_bytes = 32768};
    struct addr addr = address("127.0.0.1"), bound;
    int fd = udp_socket_open(&addr, &options, &bound);
    cr_assert_geq(fd, 0);
    cr_assert_eq(options.receive_buffer_actual_bytes, 65536);
    cr_assert_eq(options.send_buffer_actual_bytes, 32768);
    socket_close(fd);
}

Test(udp_socket, huge_buffer_is_clamped_and_its_size_reported)
{
    struct udp_socket_options options = {.receive_buffer_bytes = UINT32_MAX};
    struct addr addr = address("127.0.0.1"), bound;
    int fd = udp_socket_open(&addr, &options, &bound);
    cr_assert_geq(fd, 0);
    cr_assert_gt(options.receive_buffer_actual_bytes, 0);
    cr_assert_lt(options.receive_buffer_actual_bytes, UINT32_MAX);
    socket_close(fd);
}

Test(udp_socket, does_not_open_an_address_without_a_family)
{
    struct udp_socket_options options = {0};
    struct addr none = {0}, bound;
    cr_assert_eq(udp_socket_open(&none, &options, &bound), -EAFNOSUPPORT);
    cr_assert_eq(udp_socket_connect(&none), -EAFNOSUPPORT);
}

Test(udp_socket, address_of_another_host_is_refused)
{
    struct udp_socket_options options = {0};
    struct addr foreign = address("192.0.2.1"), bound;
    cr_assert_eq(udp_socket_open(&foreign, &options, &bound), -EADDRNOTAVAIL);
}

Test(udp_socket, counts_what_the_kernel_dropped)
{
    struct udp_socket_options options = {.receive_buffer_bytes = 4096};
    struct addr addr = address("127.0.0.1"), bound;
    int fd = udp_socket_open(&addr, &options, &bound);
    cr_assert_geq(fd, 0);
    cr_assert_eq(socket_receive_drops(fd), 0);
    int client = udp_socket_connect(&bound);
    cr_assert_geq(client, 0);
    uint32_t sent = 0, received = 0;
    char datagram[512] = {0};
    for (; sent < 200; sent++)
        cr_assert_eq(send(client, datagram, sizeof datagram, 0), sizeof datagram);
    while (recv(fd, datagram, sizeof datagram, 0) >= 0)
        received++;
    cr_assert_gt(socket_receive_drops(fd), 0);
    cr_assert_eq(socket_receive_drops(fd) + received, sent);
    socket_close(fd);
    socket_close(client);
}

Test(udp_socket, missing_peer_fails_no_receive)
{
    struct addr bound, gone;
    char byte;
    int fd = open_on("127.0.0.1:0", &bound);
    socket_close(open_on("127.0.0.1:0", &gone));
    send_to(fd, &gone, "one");
    send_to(fd, &gone, "two");
    cr_assert_eq(recv(fd, &byte, 1, 0), -1);
    cr_assert_eq(errno, EAGAIN);
    socket_close(fd);
}

static int open_refused(const char *text)
{
    struct addr addr = address(text), bound;
    struct udp_socket_options options = {0};
    int fd = udp_socket_open(&addr, &options, &bound);
    if (fd >= 0)
        socket_close(fd);
    return fd;
}

Test(udp_socket, opens_on_no_broadcast_address)
{
    cr_expect_eq(open_refused("255.255.255.255:0"), -EADDRNOTAVAIL);
    cr_expect_eq(open_refused("127.255.255.255:0"), -EADDRNOTAVAIL);
    if (unshare(CLONE_NEWNET) != 0)
        cr_skip("a network namespace isn't allowed here: %s", strerror(errno));
    if (system("ip link set lo up && ip address add 192.168.77.5/24 broadcast + dev lo") != 0)
        cr_skip("iproute2 is missing");
    cr_expect_eq(open_refused("192.168.77.255:0"), -EADDRNOTAVAIL);
    cr_expect_geq(open_refused("192.168.77.5:0"), 0);
    cr_expect_geq(open_refused("127.0.0.255:0"), 0,
                  "it looks like a broadcast address, but it is not one");
}

/* ---- A client's socket ---- */

Test(udp_socket, connected_one_receives_only_from_its_peer)
{
    struct addr server, other, client;
    union socket_address sockaddr;
    socklen_t size = sizeof sockaddr;
    char text[16] = {0};
    int server_fd = open_on("127.0.0.1:0", &server);
    int other_fd = open_on("127.0.0.1:0", &other);
    int fd = udp_socket_connect(&server);
    cr_assert_geq(fd, 0);
    cr_assert_eq(getsockname(fd, &sockaddr.any, &size), 0);
    addr_from_sockaddr(&client, &sockaddr);
    /* On loopback a datagram has been delivered or refused when sendto returns. */
    send_to(other_fd, &client, "other");
    send_to(server_fd, &client, "server");
    await(fd, POLLIN);
    cr_assert_eq(recv(fd, text, sizeof text, 0), 6);
    cr_assert_str_eq(text, "server");
    cr_assert_eq(recv(fd, text, sizeof text, 0), -1);
    socket_close(server_fd);
    socket_close(other_fd);
    socket_close(fd);
}

Test(udp_socket, connected_one_reports_a_port_where_no_program_listens)
{
    struct addr gone;
    char byte;
    socket_close(open_on("127.0.0.1:0", &gone));
    int fd = udp_socket_connect(&gone);
    cr_assert_geq(fd, 0);
    cr_assert_eq(send(fd, "x", 1, 0), 1);
    await(fd, POLLIN);
    cr_assert_eq(recv(fd, &byte, 1, 0), -1);
    cr_assert_eq(errno, ECONNREFUSED);
    socket_close(fd);
}
