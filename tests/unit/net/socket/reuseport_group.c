/* Groups of sockets that share one address: who may share it, and which socket gets a datagram. */
#include "net/socket/reuseport_group.h"
#include "addr_fixture.h"
#include "net/socket/socket_buffer.h"
#include "net/socket/socket_descriptor.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKETS = 4, CLIENTS = 200 };

struct group {
    struct addr bound;
    int sockets[SOCKETS];
};

static int group_try(struct group *group, const struct addr *addr)
{
    struct udp_socket_options options = {0};
    return reuseport_group_open(addr, &options, &group->bound, group->sockets, SOCKETS);
}

static struct group group_new(const char *text)
{
    struct addr addr = address(text);
    struct group group;
    int error = group_try(&group, &addr);
    if (error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL)
        cr_skip("this host has no %s", text);
    cr_assert_eq(error, 0, "%s: %s", text, strerror(-error));
    return group;
}

static void group_close(struct group *group)
{
    for (int i = 0; i < SOCKETS; i++)
        socket_close(group->sockets[i]);
}

static void group_start(struct group *group)
{
    for (int i = 0; i < SOCKETS; i++)
        cr_assert_eq(reuseport_member_start(group->sockets[i]), 0);
}

/* Opens clients of the group, each with its own port. */
static void open_clients(int *clients, struct addr to)
{
    if (addr_is_wildcard(&to))
        to = (struct addr){.ip = {127, 0, 0, 1}, .port = to.port, .family = ADDR_IPV4};
    for (int i = 0; i < CLIENTS; i++)
        cr_assert_geq(clients[i] = udp_socket_connect(&to), 0);
}

/* On loopback a datagram is in its queue when send returns. */
static void send_byte(int client, uint8_t byte)
{
    cr_assert_eq(send(client, &byte, 1, 0), 1);
}

static void close_clients(const int *clients)
{
    for (int i = 0; i < CLIENTS; i++)
        socket_close(clients[i]);
}

/* Finds the socket that received the datagram of each client, by the byte in it; -1: none. */
static void find_sockets(const struct group *group, int *found)
{
    memset(found, -1, CLIENTS * sizeof *found);
    for (int i = 0; i < SOCKETS; i++) {
        uint8_t byte;
        while (recv(group->sockets[i], &byte, 1, 0) == 1) {
            cr_assert_eq(found[byte], -1, "the datagram of client %d was received by two sockets",
                         byte);
            found[byte] = i;
        }
    }
}

static void expect_division(const char *text)
{
    struct group group = group_new(text);
    int clients[CLIENTS], first[CLIENTS], again[CLIENTS], share[SOCKETS] = {0};
    open_clients(clients, group.bound);
    group_start(&group);
    for (uint8_t i = 0; i < CLIENTS; i++)
        send_byte(clients[i], i);
    find_sockets(&group, first);
    for (uint8_t i = 0; i < CLIENTS; i++)
        send_byte(clients[i], i);
    find_sockets(&group, again);
    for (int i = 0; i < CLIENTS; i++) {
        cr_assert_geq(first[i], 0, "nothing came from client %d", i);
        cr_assert_eq(first[i], again[i], "client %d moved", i);
        share[first[i]]++;
    }
    /* 200 clients in 4 sockets by a keyed hash: 50 each, with a standard deviation of 6. */
    for (int i = 0; i < SOCKETS; i++)
        cr_assert_gt(share[i], 0, "socket %d has no client", i);
    close_clients(clients);
    group_close(&group);
}

Test(reuseport_group, divides_the_clients_and_moves_none)
{
    expect_division("127.0.0.1:0");
}

Test(reuseport_group, divides_the_clients_of_a_wildcard)
{
    expect_division("0.0.0.0:0");
}

Test(reuseport_group, divides_the_clients_of_ipv6)
{
    expect_division("[::1]:0");
}

Test(reuseport_group, drops_everything_until_it_is_started)
{
    struct group group = group_new("127.0.0.1:0");
    int clients[CLIENTS], found[CLIENTS];
    uint32_t drops = 0;
    open_clients(clients, group.bound);
    for (uint8_t i = 0; i < CLIENTS; i++)
        send_byte(clients[i], i);
    find_sockets(&group, found);
    for (int i = 0; i < CLIENTS; i++)
        cr_assert_eq(found[i], -1);
    for (int i = 0; i < SOCKETS; i++)
        drops += socket_receive_drops(group.sockets[i]);
    cr_assert_eq(drops, CLIENTS, "the kernel counts them");
    group_start(&group);
    send_byte(clients[7], 7);
    find_sockets(&group, found);
    cr_assert_geq(found[7], 0);
    close_clients(clients);
    group_close(&group);
}

Test(reuseport_group, is_refused_if_a_single_socket_has_the_port)
{
    struct udp_socket_options options = {0};
    struct addr loopback = address("127.0.0.1:0"), bound;
    struct group group;
    int single = udp_socket_open(&loopback, &options, &bound);
    cr_assert_geq(single, 0);
    cr_assert_eq(group_try(&group, &bound), -EADDRINUSE);
    socket_close(single);
    cr_assert_eq(group_try(&group, &bound), 0, "the failed attempt left nothing open");
    group_close(&group);
}

Test(reuseport_group, does_not_share_its_port_with_another_group_or_a_single_socket)
{
    struct udp_socket_options options = {0};
    struct group group = group_new("127.0.0.1:0"), other;
    struct addr bound;
    cr_assert_eq(group_try(&other, &group.bound), -EADDRINUSE);
    cr_assert_eq(udp_socket_open(&group.bound, &options, &bound), -EADDRINUSE);
    group_start(&group);
    cr_assert_eq(group_try(&other, &group.bound), -EADDRINUSE);
    group_close(&group);
}

Test(reuseport_group, of_one_is_a_single_socket_that_receives_at_once)
{
    struct udp_socket_options options = {0};
    struct addr loopback = address("127.0.0.1:0"), bound;
    int only, shared = -1;
    socklen_t size = sizeof shared;
    uint8_t byte;
    cr_assert_eq(reuseport_group_open(&loopback, &options, &bound, &only, 1), 0);
    cr_assert_eq(getsockopt(only, SOL_SOCKET, SO_REUSEPORT, &shared, &size), 0);
    cr_assert_eq(shared, 0);
    int client = udp_socket_connect(&bound);
    send_byte(client, 1);
    cr_assert_eq(recv(only, &byte, 1, 0), 1);
    cr_assert_eq(reuseport_member_start(only), 0);
    socket_close(client);
    socket_close(only);
}

Test(reuseport_group, that_cannot_be_completed_leaves_none_open)
{
    struct addr loopback = address("127.0.0.1:0");
    struct group group;
    struct rlimit limit;
    int next = dup(0);
    close(next);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = (rlim_t)next + SOCKETS - 1;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_assert_eq(group_try(&group, &loopback), -EMFILE);
    cr_assert_eq(dup(0), next, "the next descriptor is the same as before");
    close(next);
}
