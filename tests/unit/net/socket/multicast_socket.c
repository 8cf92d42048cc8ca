/* Multicast: membership, receiving from a group and sending to it. */
#include "net/socket/multicast_socket.h"

#include "addr_fixture.h"
#include "net/socket/socket_address.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

TestSuite(multicast_socket, .timeout = 20);

/* The text of a group that no other process uses: tests run side by side, and every member of a
 * group on this host receives what any of them sends. A process id has up to 22 bits, so it and
 * which (0 or 1) fit in the 24 bits of 239.0.0.0/8. A static buffer for each which. */
static const char *own_group(unsigned which)
{
    static char texts[2][ADDR_TEXT_BYTES];
    uint32_t id = (uint32_t)getpid() << 1 | which;
    snprintf(texts[which], sizeof texts[which], "239.%u.%u.%u:5353", id >> 16 & 255, id >> 8 & 255,
             id & 255);
    return texts[which];
}

static const char *own_ipv6_group(void)
{
    static char text[ADDR_TEXT_BYTES];
    uint32_t id = (uint32_t)getpid();
    snprintf(text, sizeof text, "[ff02::77:%x:%x%%1]:5353", id >> 16, id & 0xffff);
    return text;
}

/* The path over the loopback interface, so that these tests send nothing to a network. */
static struct multicast_path loopback(void)
{
    return (struct multicast_path){.interface = if_nametoindex("lo"), .ttl = 0};
}

static int join(const char *text)
{
    struct addr group = address(text);
    int fd = multicast_join(&group, loopback().interface, 0);
    if (fd < 0 && group.family == ADDR_IPV6)
        cr_skip("no IPv6 here: %s", strerror(-fd));
    cr_assert_geq(fd, 0, "%s: %s", text, strerror(-fd));
    return fd;
}

static int connect_to(const char *text, struct addr *from)
{
    struct addr group = address(text);
    struct multicast_path path = loopback();
    int fd = multicast_connect(&group, &path, from);
    if (fd == -ENETUNREACH && group.family == ADDR_IPV6)
        cr_skip("loopback has no route for IPv6 groups here; namespaces show it");
    cr_assert_geq(fd, 0, "%s: %s", text, strerror(-fd));
    return fd;
}

static void expect_received(int fd, const char *text, const struct addr *from)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    union socket_address name;
    struct addr source;
    socklen_t size = sizeof name;
    char bytes[64];
    cr_assert_eq(poll(&wait, 1, 10000), 1, "'%s' was not received", text);
    ssize_t got = recvfrom(fd, bytes, sizeof bytes, 0, &name.any, &size);
    cr_assert_eq(got, (ssize_t)strlen(text));
    cr_assert_arr_eq(bytes, text, strlen(text));
    addr_from_sockaddr(&source, &name);
    cr_assert(addr_equal(&source, from));
}

static void expect_nothing(int fd)
{
    char byte;
    cr_assert_eq(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
    cr_assert_eq(errno, EAGAIN);
}

static void expect_delivery_to_two(const char *group)
{
    struct addr from;
    int sender = connect_to(group, &from);
    int first = join(group), second = join(group);
    cr_assert_eq(send(sender, "hello", 5, 0), 5);
    expect_received(first, "hello", &from);
    expect_received(second, "hello", &from);
    cr_assert_neq(from.port, 0);
    close(sender);
    close(first);
    close(second);
}

Test(multicast_socket, every_member_on_this_host_receives)
{
    expect_delivery_to_two(own_group(0));
}

Test(multicast_socket, every_member_receives_by_ipv6_too)
{
    expect_delivery_to_two(own_ipv6_group());
}

Test(multicast_socket, does_not_receive_another_group_on_the_same_port)
{
    struct addr from, other_from;
    int ours = join(own_group(0)), theirs = join(own_group(1));
    int sender = connect_to(own_group(1), &other_from);
    cr_assert_eq(send(sender, "away", 4, 0), 4);
    expect_received(theirs, "away", &other_from);
    expect_nothing(ours);
    close(sender);
    sender = connect_to(own_group(0), &from);
    cr_assert_eq(send(sender, "hello", 5, 0), 5);
    expect_received(ours, "hello", &from);
    close(sender);
    close(ours);
    close(theirs);
}

Test(multicast_socket, socket_that_sends_to_a_group_receives_nothing)
{
    struct addr from;
    union socket_address name;
    int sender = connect_to(own_group(0), &from);
    int other = socket(AF_INET, SOCK_DGRAM, 0);
    socklen_t size = sockaddr_from_addr(&name, &from);
    cr_assert_eq(sendto(other, "hi", 2, 0, &name.any, size), 2);
    expect_nothing(sender);
    close(other);
    close(sender);
}

Test(multicast_socket, path_is_set_on_the_socket)
{
    struct addr group = address(own_group(0));
    struct multicast_path path = {.interface = if_nametoindex("lo"), .ttl = 7};
    int fd = join(own_group(0)), ttl = 0, loop = 0;
    socklen_t size = sizeof ttl;
    cr_assert_eq(multicast_set_path(fd, &group, &path), 0);
    cr_assert_eq(getsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, &size), 0);
    cr_assert_eq(getsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &loop, &size), 0);
    cr_assert_eq(ttl, 7);
    cr_assert_eq(loop, 1);
    close(fd);
}

Test(multicast_socket, refuses_other_addresses_and_missing_interfaces)
{
    struct addr host = address("192.0.2.1:5353"), group = address(own_group(0)), from;
    struct multicast_path nowhere = {.interface = INT32_MAX};
    cr_assert_eq(multicast_join(&host, 0, 0), -EINVAL);
    cr_assert_eq(multicast_join(&group, INT32_MAX, 0), -ENODEV);
    cr_assert_eq(multicast_connect(&host, &nowhere, &from), -EINVAL);
    cr_assert_lt(multicast_connect(&group, &nowhere, &from), 0);
}
