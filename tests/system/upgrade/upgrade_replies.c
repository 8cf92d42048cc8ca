/* Replies that wait for a slow link while the server is upgraded: each client gets its own once. */

#include "harness.h"
#include "neighbours.h"
#include "upgrade.h"

#include <string.h>

TestSuite(system_upgrade_replies, .fini = harness_end, .timeout = 120);

enum { CLIENTS = 300, BYTES = 1400 };

static struct server server;
static struct neighbours both;
static int clients[CLIENTS];
static char text[BYTES + 1];

static const char *configuration(int workers)
{
    return harness_format("[server]\nworkers = %d\nsend-buffer = 64k\n[admission]\npolicy = "
                          "open\n[reply]\nmode = echo\n",
                          workers);
}

/* Starts a server behind a link that is much slower than the clients ask. */
static void start(const char *listen, int workers)
{
    struct endpoint to = endpoint_of("10.8.0.1:3000");
    memset(text, 'x', BYTES);
    upgrade_install();
    netns_enter();
    add_neighbour(&both, "near", "ip addr add 10.8.0.1/24 dev near",
                  "ip addr add 10.8.0.9/24 dev far");
    netns_shell("tc qdisc add dev near root tbf rate 1mbit burst 10k limit 10m");
    server_start(&server, configuration(workers), "-l", listen, NULL);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = udp_open_in(both.there, &both, "10.8.0.9");
        udp_ask(clients[i], &to, "hi", "hi");
    }
    for (int i = 0; i < CLIENTS; i++)
        udp_send(clients[i], &to, text, BYTES);
    server_await_stat(&server, "replied", CLIENTS + 1);
    int64_t received = server_stat(&server, "received");
    expect(received < 2 * CLIENTS, "expected replies to wait, %d requests are done", (int)received);
}

static void expect_each_reply_once(void)
{
    struct endpoint from = endpoint_of("10.8.0.1:3000");
    netns_shell("tc qdisc change dev near root tbf rate 100mbit burst 20k limit 10m");
    for (int i = 0; i < CLIENTS; i++)
        udp_expect(clients[i], &from, text);
    for (int i = 0; i < CLIENTS; i++)
        udp_ask(clients[i], &from, "and on", "and on");
    for (int i = 0; i < CLIENTS; i++)
        udp_expect_nothing(clients[i], "each has its reply");
    harness_equal("kernel_drops", server_stat(&server, "kernel_drops"), 0);
    harness_equal("reply_failed", server_stat(&server, "reply_failed"), 0);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_upgrade_replies, batch_that_waits_for_its_only_socket_is_sent_by_the_new_process)
{
    start("10.8.0.1:3000", 1);
    upgrade(&server);
    upgrade(&server);
    expect_each_reply_once();
}

Test(system_upgrade_replies, queues_of_an_interface_are_sent_by_the_new_process)
{
    start("0.0.0.0:3000", 1);
    upgrade(&server);
    upgrade(&server);
    expect_each_reply_once();
}

Test(system_upgrade_replies, replies_of_two_workers_are_sent_by_their_successors)
{
    start("0.0.0.0:3000", 2);
    upgrade(&server);
    upgrade(&server);
    expect_each_reply_once();
}

Test(system_upgrade_replies, replies_of_a_worker_that_is_no_more_are_sent_by_another_one)
{
    start("0.0.0.0:3000", 2);
    server_configure(&server, configuration(1));
    upgrade(&server);
    server_configure(&server, configuration(2));
    upgrade(&server);
    expect_each_reply_once();
}
