#include "net/socket/udp_socket.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif

static struct addr address(const char *text)
{
    struct addr addr;
    cr_assert_eq(addr_parse(&addr, NULL, text, 0), NULL, "%s", text);
    return addr;
}

/* Opens one that must open, on port 0 or on that of bound. */
static int open_on(const char *text, struct addr *bound)
{
    struct socket_options options = {0};
    struct addr addr = address(text);
    int fd = socket_open(&addr, &options, bound);
    cr_assert_geq(fd, 0, "%s: %s", text, strerror(-fd));
    return fd;
}

static void skip_without_ipv6(void)
{
    struct socket_options options = {0};
    struct addr addr = address("::1"), bound;
    int fd = socket_open(&addr, &options, &bound);
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
    union socket_name sockaddr;
    socklen_t size = sockaddr_from_addr(&sockaddr, to);
    ssize_t sent = sendto(fd, text, strlen(text), 0, &sockaddr.any, size);
    cr_assert_eq(sent, (ssize_t)strlen(text));
}

/* ---- Addresses ---- */

Test(udp_socket, addresses_survive_the_way_to_the_kernel_and_back)
{
    static const char *const texts[] = {"192.0.2.1:3000", "0.0.0.0:0", "[2001:db8::1]:65535",
                                        "[fe80::1%7]:3000"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct addr addr = address(texts[i]), back;
        union socket_name sockaddr;
        socklen_t size = sockaddr_from_addr(&sockaddr, &addr);
        cr_assert_gt(size, 0);
        cr_assert_eq(addr_from_sockaddr(&back, &sockaddr), size);
        cr_assert(addr_equal(&addr, &back), "%s", texts[i]);
        cr_assert_eq(memcmp(addr.ip, back.ip, sizeof addr.ip), 0);
    }
}

Test(udp_socket, other_families_are_no_address)
{
    union socket_name sockaddr = {.any = {.sa_family = AF_UNIX}};
    struct addr addr = address("192.0.2.1");
    cr_assert_eq(addr_from_sockaddr(&addr, &sockaddr), 0);
    cr_assert_eq(addr.family, ADDR_NONE);
    cr_assert_eq(sockaddr_from_addr(&sockaddr, &addr), 0);
}

Test(udp_socket, zone_is_found_by_its_name)
{
    cr_assert_gt(socket_zone_index("lo"), 0);
    cr_assert_eq(socket_zone_index("no-such-zone"), 0);
}

/* ---- A server's socket ---- */

Test(udp_socket, tells_the_port_that_the_kernel_picked)
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
    struct socket_options options = {0};
    struct addr bound, again;
    int fd = open_on("127.0.0.1:0", &bound);
    cr_assert_eq(socket_open(&bound, &options, &again), -EADDRINUSE);
    socket_close(fd);
}

Test(udp_socket, ipv6_wildcard_leaves_the_port_to_ipv4)
{
    skip_without_ipv6();
    struct socket_options options = {0};
    struct addr bound, ipv4 = address("0.0.0.0"), bound4;
    int fd = open_on("[::]:0", &bound);
    ipv4.port = bound.port;
    int fd4 = socket_open(&ipv4, &options, &bound4);
    cr_assert_geq(fd4, 0, "%s", strerror(-fd4));
    socket_close(fd);
    socket_close(fd4);
}

Test(udp_socket, ipv4_options_are_those_of_a_server_among_strangers)
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

Test(udp_socket, ipv6_options_are_those_of_a_server_among_strangers)
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

Test(udp_socket, one_that_may_be_missing_is_bound_to_an_address_that_nobody_has)
{
    static const char *const missing[] = {"192.0.2.1", "2001:db8::1"};
    for (int i = 0; i < 2; i++) {
        struct socket_options options = {.may_be_missing = true};
        struct addr addr = address(missing[i]), bound;
        int fd = socket_open(&addr, &options, &bound);
        if (fd == -EAFNOSUPPORT)
            continue;
        cr_assert_geq(fd, 0, "%s: %s", missing[i], strerror(-fd));
        cr_assert(options.is_missing);
        cr_assert_arr_eq(bound.ip, addr.ip, sizeof bound.ip);
        socket_close(fd);
        options.may_be_missing = false;
        cr_assert_eq(socket_open(&addr, &options, &bound), -EADDRNOTAVAIL);
    }
}

Test(udp_socket, one_that_may_be_missing_and_is_there_is_as_any_other)
{
    struct socket_options options = {.may_be_missing = true};
    struct addr addr = address("127.0.0.1"), broadcast = address("127.255.255.255"), bound;
    int fd = socket_open(&addr, &options, &bound);
    cr_assert_geq(fd, 0);
    cr_assert_not(options.is_missing);
    cr_assert_eq(option(fd, IPPROTO_IP, IP_FREEBIND), 0);
    cr_assert_eq(socket_open(&broadcast, &options, &bound), -EADDRNOTAVAIL);
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

Test(udp_socket, tells_the_buffers_that_it_got)
{
    struct socket_options options = {.receive_buffer_bytes = 65536, .send_buffer_bytes = 32768};
    struct addr addr = address("127.0.0.1"), bound;
    int fd = socket_open(&addr, &options, &bound);
    cr_assert_geq(fd, 0);
    cr_assert_eq(options.receive_buffer_got_bytes, 65536);
    cr_assert_eq(options.send_buffer_got_bytes, 32768);
    socket_close(fd);
}

Test(udp_socket, buffer_beyond_reason_is_clamped_and_told)
{
    struct socket_options options = {.receive_buffer_bytes = UINT32_MAX};
    struct addr addr = address("127.0.0.1"), bound;
    int fd = socket_open(&addr, &options, &bound);
    cr_assert_geq(fd, 0);
    cr_assert_gt(options.receive_buffer_got_bytes, 0);
    cr_assert_lt(options.receive_buffer_got_bytes, UINT32_MAX);
    socket_close(fd);
}

Test(udp_socket, opens_no_address_of_no_family)
{
    struct socket_options options = {0};
    struct addr none = {0}, bound;
    cr_assert_eq(socket_open(&none, &options, &bound), -EAFNOSUPPORT);
    cr_assert_eq(socket_connect(&none), -EAFNOSUPPORT);
}

Test(udp_socket, address_of_another_host_is_refused)
{
    struct socket_options options = {0};
    struct addr foreign = address("192.0.2.1"), bound;
    cr_assert_eq(socket_open(&foreign, &options, &bound), -EADDRNOTAVAIL);
}

Test(udp_socket, counts_what_the_kernel_dropped)
{
    struct socket_options options = {.receive_buffer_bytes = 4096};
    struct addr addr = address("127.0.0.1"), bound;
    int fd = socket_open(&addr, &options, &bound);
    cr_assert_geq(fd, 0);
    cr_assert_eq(socket_drops(fd), 0);
    int client = socket_connect(&bound);
    cr_assert_geq(client, 0);
    uint32_t sent = 0, received = 0;
    char datagram[512] = {0};
    for (; sent < 200; sent++)
        cr_assert_eq(send(client, datagram, sizeof datagram, 0), sizeof datagram);
    while (recv(fd, datagram, sizeof datagram, 0) >= 0)
        received++;
    cr_assert_gt(socket_drops(fd), 0);
    cr_assert_eq(socket_drops(fd) + received, sent);
    socket_close(fd);
    socket_close(client);
}

Test(udp_socket, peer_that_is_gone_fails_no_receive)
{
    struct addr bound, gone;
    char byte;
    int fd = open_on("127.0.0.1:0", &bound);
    socket_close(open_on("127.0.0.1:0", &gone));
    send_to(fd, &gone, "into the void");
    send_to(fd, &gone, "and again");
    cr_assert_eq(recv(fd, &byte, 1, 0), -1);
    cr_assert_eq(errno, EAGAIN);
    socket_close(fd);
}

static int open_refused(const char *text)
{
    struct addr addr = address(text), bound;
    struct socket_options options = {0};
    int fd = socket_open(&addr, &options, &bound);
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
    cr_expect_geq(open_refused("127.0.0.255:0"), 0, "looks like one and is none");
}

/* ---- A client's ---- */

Test(udp_socket, connected_one_hears_its_peer_alone)
{
    struct addr server, stranger, client;
    union socket_name sockaddr;
    socklen_t size = sizeof sockaddr;
    char text[16] = {0};
    int server_fd = open_on("127.0.0.1:0", &server);
    int stranger_fd = open_on("127.0.0.1:0", &stranger);
    int fd = socket_connect(&server);
    cr_assert_geq(fd, 0);
    cr_assert_eq(getsockname(fd, &sockaddr.any, &size), 0);
    addr_from_sockaddr(&client, &sockaddr);
    /* On loopback a datagram has been delivered or refused when sendto returns. */
    send_to(stranger_fd, &client, "stranger");
    send_to(server_fd, &client, "server");
    await(fd, POLLIN);
    cr_assert_eq(recv(fd, text, sizeof text, 0), 6);
    cr_assert_str_eq(text, "server");
    cr_assert_eq(recv(fd, text, sizeof text, 0), -1);
    socket_close(server_fd);
    socket_close(stranger_fd);
    socket_close(fd);
}

Test(udp_socket, connected_one_is_told_that_nobody_listens)
{
    struct addr gone;
    char byte;
    socket_close(open_on("127.0.0.1:0", &gone));
    int fd = socket_connect(&gone);
    cr_assert_geq(fd, 0);
    cr_assert_eq(send(fd, "x", 1, 0), 1);
    await(fd, POLLIN);
    cr_assert_eq(recv(fd, &byte, 1, 0), -1);
    cr_assert_eq(errno, ECONNREFUSED);
    socket_close(fd);
}

/* ---- Names ---- */

Test(udp_socket, numeric_host_resolves_to_itself_once)
{
    struct addr addrs[4], expected = address("127.0.0.2:3000");
    cr_assert_eq(socket_resolve("127.0.0.2", 3000, addrs, 4), 1);
    cr_assert(addr_equal(&addrs[0], &expected));
}

Test(udp_socket, zone_of_a_numeric_host_becomes_its_scope)
{
    struct addr addrs[4];
    cr_assert_eq(socket_resolve("fe80::1%lo", 3000, addrs, 4), 1);
    cr_assert_eq(addrs[0].scope, socket_zone_index("lo"));
    cr_assert_eq(socket_resolve("fe80::1%7", 3000, addrs, 4), 1);
    cr_assert_eq(addrs[0].scope, 7);
}

Test(udp_socket, localhost_resolves_to_loopback_without_doubles)
{
    struct addr addrs[8];
    int count = socket_resolve("localhost", 3000, addrs, 8);
    cr_assert_gt(count, 0, "%s", socket_resolve_error(count));
    for (int i = 0; i < count; i++) {
        cr_assert(addr_is_loopback(&addrs[i]));
        cr_assert_eq(addrs[i].port, 3000);
        for (int j = 0; j < i; j++)
            cr_assert_not(addr_equal(&addrs[i], &addrs[j]));
    }
    cr_assert_eq(socket_resolve("localhost", 3000, addrs, 1), 1);
}

/* Puts a hosts(5) file of our own in the place of the system's, for this process alone. */
static void replace_hosts(const char *text)
{
    char path[] = "/tmp/udpsrv-hosts-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    int error = unshare(CLONE_NEWNS) != 0 ||
                mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0 ||
                mount(path, "/etc/hosts", "none", MS_BIND, NULL) != 0;
    unlink(path);
    if (error)
        cr_skip("this host gives no mount namespace: %s", strerror(errno));
}

Test(udp_socket, address_that_the_resolver_gives_twice_is_given_once)
{
    struct addr addrs[4];
    replace_hosts("192.0.2.1 twice.test\n192.0.2.2 twice.test\n192.0.2.1 twice.test\n");
    int count = socket_resolve("twice.test", 3000, addrs, 4);
    cr_assert_eq(count, 2, "%s", socket_resolve_error(count));
    cr_assert_not(addr_equal(&addrs[0], &addrs[1]));
}

Test(udp_socket, host_that_is_not_there_has_a_reason)
{
    struct addr addrs[1];
    int error = socket_resolve("fe80::1%no-such-zone", 3000, addrs, 1);
    cr_assert_lt(error, 0);
    cr_assert_neq(socket_resolve_error(error)[0], '\0');
}
