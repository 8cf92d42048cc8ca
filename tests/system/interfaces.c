/* Interfaces and addresses that come and go while the server runs, or after it has started. */
#include "harness.h"

#include <unistd.h>

TestSuite(system_interfaces, .fini = harness_end, .timeout = 60);

static const char OPEN[] = "[admission]\npolicy = open\n[reply]\nmessage = yes\n";

/* A source that nobody has gets no answer and no place, under either policy and by all workers. */
static void expect_no_source(struct server *server, const char *source)
{
    struct endpoint nobody = endpoint_of(source);
    int other = udp_open("127.0.0.1:0");
    int64_t dropped = server_stat(server, "drop_multicast"), clients;

    udp_ask(other, &server->at[0], "hi", "yes");
    clients = server_stat(server, "clients");
    for (int i = 0; i < 5; i++)
        udp_forge(&nobody, &server->at[0], "hi", 2);
    server_await_stat(server, "drop_multicast", dropped + 5);
    udp_ask(other, &server->at[0], "hi", "yes");
    harness_equal("clients", server_stat(server, "clients"), clients);
    harness_equal("reply_failed", server_stat(server, "reply_failed"), 0);
    expect_balance("stats", server_ask(server, "stats"));
    close(other);
}

Test(system_interfaces, a_directed_broadcast_address_is_no_source)
{
    struct server server = {0};

    netns_enter();
    netns_shell("ip addr add 10.9.0.1/24 dev lo\nip addr add 10.8.4.1/22 brd 10.8.4.77 dev lo");
    server_start(&server, OPEN, "-l", "127.0.0.1:3000", NULL);
    expect_no_source(&server, "127.255.255.255:5000");
    expect_no_source(&server, "10.9.0.255:5000");
    expect_no_source(&server, "10.8.7.255:5000");
    expect_no_source(&server, "10.8.4.77:5000");
    server_stop(&server);
}

Test(system_interfaces, an_address_that_comes_later_makes_its_broadcast_address_no_source)
{
    struct server server = {0};

    netns_enter();
    netns_shell("ip addr add 10.9.0.255/32 dev lo");
    server_start(&server,
                 "[server]\nworkers = 2\n[admission]\npolicy = open\n[reply]\nmessage = yes\n",
                 "-l", "127.0.0.1:3000", NULL);
    int udp = udp_open("10.9.0.255:0");
    udp_ask(udp, &server.at[0], "hi", "yes"); /* it is a host's as yet */
    close(udp);
    netns_shell("ip addr del 10.9.0.255/32 dev lo\nip addr add 10.9.0.1/24 dev lo");
    expect_no_source(&server, "10.9.0.255:5000");
    netns_shell("ip addr del 10.9.0.1/24 dev lo\nip addr add 10.9.0.255/32 dev lo");
    server_stat(&server, "clients"); /* what comes behind this is decided with what is known now */
    udp = udp_open("10.9.0.255:0");
    udp_ask(udp, &server.at[0], "hi", "yes");
    server_stop(&server);
}
