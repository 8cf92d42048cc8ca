#include "net/socket/udp_socket.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Sockets that share one address: who has it, and who gets what. */

enum { SOCKETS = 4, CLIENTS = 200 };

static struct addr address(const char *text)
{
    struct addr addr;
    cr_assert_eq(addr_parse(&addr, NULL, text, 0), NULL, "%s", text);
    return addr;
}

struct group {
    struct addr bound;
    int sockets[SOCKETS];
};

static int group_try(struct group *group, const struct addr *addr)
{
    struct socket_options options = {0};
    return socket_open_group(addr, &options, &group->bound, group->sockets, SOCKETS);
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

static void group_hear(struct group *group)
{
    for (int i = 0; i < SOCKETS; i++)
        cr_assert_eq(socket_receive_all(group->sockets[i]), 0);
}

/* Clients of the group, each with a port of its own. */
static void open_clients(int *clients, struct addr to)
{
    if (addr_is_wildcard(&to))
        to = (struct addr){.ip = {127, 0, 0, 1}, .port = to.port, .family = ADDR_IPV4};
    for (int i = 0; i < CLIENTS; i++)
        cr_assert_geq(clients[i] = socket_connect(&to), 0);
}

/* On loopback a datagram is in its queue when send returns. */
static void say(int client, uint8_t byte)
{
    cr_assert_eq(send(client, &byte, 1, 0), 1);
}

static void close_clients(const int *clients)
{
    for (int i = 0; i < CLIENTS; i++)
        socket_close(clients[i]);
}

/* Notes which socket each client's datagram came to, by the byte that it holds; -1 for none. */
static void note_places(const struct group *group, int *places)
{
    memset(places, -1, CLIENTS * sizeof *places);
    for (int i = 0; i < SOCKETS; i++) {
        uint8_t byte;
        while (recv(group->sockets[i], &byte, 1, 0) == 1) {
            cr_assert_eq(places[byte], -1, "client %d got to two sockets", byte);
            places[byte] = i;
        }
    }
}

static void expect_division(const char *text)
{
    struct group group = group_new(text);
    int clients[CLIENTS], first[CLIENTS], again[CLIENTS], share[SOCKETS] = {0};
    open_clients(clients, group.bound);
    group_hear(&group);
    for (uint8_t i = 0; i < CLIENTS; i++)
        say(clients[i], i);
    note_places(&group, first);
    for (uint8_t i = 0; i < CLIENTS; i++)
        say(clients[i], i);
    note_places(&group, again);
    for (int i = 0; i < CLIENTS; i++) {
        cr_assert_geq(first[i], 0, "nothing came from client %d", i);
        cr_assert_eq(first[i], again[i], "client %d moved", i);
        share[first[i]]++;
    }
    /* 200 keyed coins with four sides: 50 each, with a standard deviation of 6. */
    for (int i = 0; i < SOCKETS; i++)
        cr_assert_gt(share[i], 0, "socket %d got nobody", i);
    close_clients(clients);
    group_close(&group);
}

Test(udp_socket_group, divides_the_sources_and_moves_none)
{
    expect_division("127.0.0.1:0");
}

Test(udp_socket_group, divides_the_sources_of_a_wildcard)
{
    expect_division("0.0.0.0:0");
}

Test(udp_socket_group, divides_the_sources_of_ipv6)
{
    expect_division("[::1]:0");
}

Test(udp_socket_group, is_deaf_until_it_is_told_to_hear)
{
    struct group group = group_new("127.0.0.1:0");
    int clients[CLIENTS], places[CLIENTS];
    uint32_t drops = 0;
    open_clients(clients, group.bound);
    for (uint8_t i = 0; i < CLIENTS; i++)
        say(clients[i], i);
    note_places(&group, places);
    for (int i = 0; i < CLIENTS; i++)
        cr_assert_eq(places[i], -1);
    for (int i = 0; i < SOCKETS; i++)
        drops += socket_drops(group.sockets[i]);
    cr_assert_eq(drops, CLIENTS, "the kernel counts them");
    group_hear(&group);
    say(clients[7], 7);
    note_places(&group, places);
    cr_assert_geq(places[7], 0);
    close_clients(clients);
    group_close(&group);
}

Test(udp_socket_group, is_refused_where_one_that_stands_alone_has_the_port)
{
    struct socket_options options = {0};
    struct addr loopback = address("127.0.0.1:0"), bound;
    struct group group;
    int alone = socket_open(&loopback, &options, &bound);
    cr_assert_geq(alone, 0);
    cr_assert_eq(group_try(&group, &bound), -EADDRINUSE);
    socket_close(alone);
    cr_assert_eq(group_try(&group, &bound), 0, "and leaves nothing open behind it");
    group_close(&group);
}

Test(udp_socket_group, lets_nobody_in_who_opens_another_group_or_stands_alone)
{
    struct socket_options options = {0};
    struct group group = group_new("127.0.0.1:0"), other;
    struct addr bound;
    cr_assert_eq(group_try(&other, &group.bound), -EADDRINUSE);
    cr_assert_eq(socket_open(&group.bound, &options, &bound), -EADDRINUSE);
    group_hear(&group);
    cr_assert_eq(group_try(&other, &group.bound), -EADDRINUSE);
    group_close(&group);
}

Test(udp_socket_group, of_one_is_a_socket_that_stands_alone_and_hears)
{
    struct socket_options options = {0};
    struct addr loopback = address("127.0.0.1:0"), bound;
    int only, shared = -1;
    socklen_t size = sizeof shared;
    uint8_t byte;
    cr_assert_eq(socket_open_group(&loopback, &options, &bound, &only, 1), 0);
    cr_assert_eq(getsockopt(only, SOL_SOCKET, SO_REUSEPORT, &shared, &size), 0);
    cr_assert_eq(shared, 0);
    int client = socket_connect(&bound);
    say(client, 1);
    cr_assert_eq(recv(only, &byte, 1, 0), 1);
    cr_assert_eq(socket_receive_all(only), 0);
    socket_close(client);
    socket_close(only);
}

Test(udp_socket_group, that_cannot_be_complete_leaves_none_open)
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
