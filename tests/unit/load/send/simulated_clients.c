/* Tests of the addresses and sockets of simulated clients. */
#include "load/send/simulated_clients.h"

#include "net/socket/socket_address.h"

#include <criterion/criterion.h>
#include <string.h>

static char error[SIMULATED_CLIENTS_ERROR_BYTES];

static struct addr addr_of(const char *text)
{
    struct addr addr;
    cr_assert_null(addr_parse(&addr, NULL, text, 0));
    return addr;
}

static uint32_t ip_of(const struct addr *addr)
{
    uint32_t ip;
    memcpy(&ip, addr->ip, sizeof ip);
    return be32toh(ip);
}

static void expect_address(const char *target, uint32_t number, const char *expected)
{
    struct addr to = addr_of(target), local = addr_of(expected);
    uint32_t gap = simulated_clients_gap(&to);
    cr_assert_eq(simulated_clients_ip(gap, number), ip_of(&local), "%s", expected);
    cr_assert_eq(simulated_clients_number(gap, ip_of(&local)), number);
}

TestSuite(simulated_clients, .timeout = 60);

Test(simulated_clients, have_different_addresses_of_127_8_except_the_targets)
{
    expect_address("127.0.0.1:3000", 0, "127.0.0.2");
    expect_address("127.0.0.1:3000", 253, "127.0.0.255");
    expect_address("127.0.0.1:3000", 254, "127.0.1.0");
    expect_address("127.0.0.5:3000", 0, "127.0.0.1");
    expect_address("127.0.0.5:3000", 3, "127.0.0.4");
    expect_address("127.0.0.5:3000", 4, "127.0.0.6");
    struct addr target = addr_of("127.0.0.1:3000");
    cr_assert_eq(simulated_clients_per_socket(&target), (1 << 24) - 3);
    expect_address("127.0.0.1:3000", (1 << 24) - 4, "127.255.255.254");
}

Test(simulated_clients, exclude_addresses_outside_their_range)
{
    static const char *const others[] = {"127.0.0.0", "127.255.255.255", "127.0.0.1", "128.0.0.1",
                                         "126.255.255.255"};
    struct addr target = addr_of("127.0.0.1:3000");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct addr local = addr_of(others[i]);
        cr_assert_eq(simulated_clients_number(simulated_clients_gap(&target), ip_of(&local)),
                     SIMULATED_CLIENTS_NONE, "%s", others[i]);
    }
}

/* Expects that a client is found by the socket and the address that it sends from. */
static void expect_found(const struct simulated_clients *clients, uint32_t client)
{
    struct addr local = {.family = ADDR_IPV4};
    uint32_t ip = 0, socket = simulated_clients_socket(clients, client, &ip);
    memcpy(local.ip, &ip, sizeof ip);
    cr_assert_lt(socket, clients->socket_count);
    cr_assert_eq(simulated_clients_find(clients, socket, &local), client);
}

Test(simulated_clients, share_a_socket_for_a_loopback_target)
{
    struct simulated_clients_plan plan = {.target = addr_of("127.0.0.1:3000"), .count = 1000000};
    struct simulated_clients clients;
    cr_assert_eq(simulated_clients_open(&clients, &plan, 500000, 500000, error), 0, "%s", error);
    cr_assert_eq(clients.socket_count, 1);
    for (uint32_t i = 0; i < 500000; i += 7)
        expect_found(&clients, i);
    /* A datagram to the first client of the other share belongs to no client of this one. */
    struct addr local = addr_of("127.0.0.2");
    cr_assert_eq(simulated_clients_find(&clients, 0, &local), SIMULATED_CLIENTS_NONE);
    simulated_clients_close(&clients);
}

Test(simulated_clients, take_more_sockets_when_there_are_more_than_addresses)
{
    struct simulated_clients_plan plan = {.target = addr_of("127.0.0.1:3000"), .count = 40000000};
    struct simulated_clients clients;
    uint32_t per_socket = simulated_clients_per_socket(&plan.target);
    cr_assert_eq(simulated_clients_open(&clients, &plan, 10000000, 30000000, error), 0, "%s",
                 error);
    cr_assert_eq(clients.socket_count, 3);
    uint32_t edge = per_socket - 10000000;
    for (uint32_t i = 0; i < 3; i++) {
        expect_found(&clients, edge - 1 + i);
        expect_found(&clients, edge + per_socket - 1 + i);
    }
    expect_found(&clients, 0);
    expect_found(&clients, 29999999);
    simulated_clients_close(&clients);
}

Test(simulated_clients, have_their_own_sockets_for_other_targets)
{
    struct simulated_clients_plan plan = {.target = addr_of("[::1]:3000"), .count = 10};
    struct simulated_clients clients;
    cr_assert_eq(simulated_clients_open(&clients, &plan, 0, 10, error), 0, "%s", error);
    cr_assert_eq(clients.socket_count, 10);
    for (uint32_t i = 0; i < 10; i++)
        expect_found(&clients, i);
    simulated_clients_close(&clients);
}

Test(simulated_clients, are_distributed_over_the_sources)
{
    struct addr sources[] = {addr_of("127.0.0.7"), addr_of("127.0.0.8")};
    struct simulated_clients_plan plan = {
        .target = addr_of("127.0.0.1:3000"), .sources = sources, .source_count = 2, .count = 4};
    struct simulated_clients clients;
    cr_assert_not(simulated_clients_by_address(&plan));
    cr_assert_eq(simulated_clients_open(&clients, &plan, 0, 4, error), 0, "%s", error);
    for (uint32_t i = 0; i < 4; i++) {
        union socket_address name;
        struct addr addr;
        socklen_t size = sizeof name;
        getsockname(clients.sockets[i], &name.any, &size);
        addr_from_sockaddr(&addr, &name);
        cr_assert_eq(addr.ip[3], 7 + i % 2);
    }
    simulated_clients_close(&clients);
}

Test(simulated_clients, report_what_limits_their_number)
{
    struct simulated_clients_plan plan = {.target = addr_of("[::1]:3000"), .count = 60000000};
    struct simulated_clients clients;
    cr_assert_lt(simulated_clients_open(&clients, &plan, 0, 60000000, error), 0);
    cr_assert_not_null(strstr(error, "ulimit -n 60000064"), "%s", error);
    simulated_clients_close(&clients);

    struct addr foreign = addr_of("192.0.2.1");
    plan = (struct simulated_clients_plan){
        .target = addr_of("127.0.0.1:3000"), .sources = &foreign, .source_count = 1, .count = 1};
    cr_assert_lt(simulated_clients_open(&clients, &plan, 0, 1, error), 0);
    cr_assert_not_null(strstr(error, "192.0.2.1: this host does not have that address"), "%s",
                       error);
    simulated_clients_close(&clients);
}
