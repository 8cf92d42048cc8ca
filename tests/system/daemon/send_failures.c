/* Sending that fails or has to wait, in network namespaces: destinations without a route or behind
 * a firewall rule, and links that are slower than the sender. */

#include "harness.h"
#include "neighbours.h"

#include <signal.h>
#include <string.h>

TestSuite(system_send_failures, .fini = harness_end, .timeout = 60);

/* Some servers have port 3000, which the kernel gives to no client: the server drops datagrams
 * whose source port is its own, because they may come from another server. */
static const char OPEN[] = "[admission]\npolicy = open\n[reply]\nmessage = yes\n";

static const char NEAR_SETUP[] = "ip addr add 10.8.0.1/24 dev near";
static const char FAR_SETUP[] = "ip addr add 10.8.0.9/24 dev far";

enum { CLIENTS = 64 };

/* A server and its clients in one namespace. Five of the clients can no longer be reached, each for
 * another reason. */
struct network {
    struct server server;
    struct endpoint at;
    int clients[CLIENTS];
};

static bool is_unreachable(int i)
{
    return i >= 10 && i % 10 == 0 && i <= 50;
}

static void start_network(struct network *network, const char *listen)
{
    netns_enter();
    netns_shell("for i in 1 2 3 4 5 99 100; do ip addr add 10.9.0.$i/32 dev lo; done");
    server_start(&network->server, OPEN, "-l", listen, NULL);
    network->at = endpoint_with_port("10.9.0.100", endpoint_port(&network->server.at[0]));
    for (int i = 0; i < CLIENTS; i++) {
        network->clients[i] =
            udp_open(is_unreachable(i) ? harness_format("10.9.0.%d", i / 10) : "10.9.0.99");
        udp_ask(network->clients[i], &network->at, "hi", "yes");
    }
    netns_shell("for i in 1 2 3 4; do ip addr del 10.9.0.$i/32 dev lo; done\n"
                "ip route add blackhole 10.9.0.1/32\n"   /* EINVAL */
                "ip route add prohibit 10.9.0.2/32\n"    /* EACCES */
                "ip route add unreachable 10.9.0.3/32\n" /* EHOSTUNREACH; .4 has no route left:
                                                            ENETUNREACH */
                "nft add table inet filter\n"            /* EPERM */
                "nft 'add chain inet filter output { type filter hook output priority 0; }'\n"
                "nft add rule inet filter output ip daddr 10.9.0.5 drop");
}

static void expect_five_failures(struct network *network)
{
    for (int round = 1; round <= 3; round++) {
        const char *text = harness_format("news %d", round);
        const char *report = ctl_ok(&network->server, "broadcast", text, "--json", NULL);

        harness_equal("targets", json_integer(report, "targets"), CLIENTS);
        harness_equal("sent", json_integer(report, "sent"), CLIENTS - 5);
        harness_equal("failed", json_integer(report, "failed"), 5);
        harness_equal("skipped", json_integer(report, "skipped"), 0);
        for (int i = 0; i < CLIENTS; i++) {
            if (!is_unreachable(i))
                udp_expect(network->clients[i], &network->at, text);
        }
        harness_equal("copies_failed", server_stat(&network->server, "copies_failed"), 5 * round);
    }
    for (int i = 0; i < CLIENTS; i++) {
        if (is_unreachable(i))
            udp_expect_nothing(network->clients[i], "its address cannot be reached");
    }
}

Test(system_send_failures, only_copies_to_unreachable_destinations_fail)
{
    struct network network = {0};

    start_network(&network, "10.9.0.100:3000");
    expect_five_failures(&network);
    server_stop(&network.server);
}

Test(system_send_failures, only_copies_to_unreachable_destinations_fail_from_a_wildcard_listener)
{
    struct network network = {0};

    start_network(&network, "0.0.0.0:3000");
    expect_five_failures(&network);
    server_stop(&network.server);
}

Test(system_send_failures, only_the_answer_to_an_unreachable_client_of_a_batch_fails)
{
    struct network network = {0};

    start_network(&network, "0.0.0.0:3000");
    /* The server is stopped until its receive queue holds one batch. Client 50 can still send. */
    process_kill(&network.server.process, SIGSTOP);
    for (int i = 0; i < CLIENTS; i++) {
        if (!is_unreachable(i) || i == 50)
            udp_send_text(network.clients[i], &network.at, "hi");
    }
    process_kill(&network.server.process, SIGCONT);
    for (int i = 0; i < CLIENTS; i++) {
        if (!is_unreachable(i))
            udp_expect(network.clients[i], &network.at, "yes");
    }
    harness_equal("reply_failed", server_stat(&network.server, "reply_failed"), 1);
    harness_equal("replied", server_stat(&network.server, "replied"), CLIENTS + CLIENTS - 5);
    expect_balance("stats", server_ask(&network.server, "stats"));
    server_stop(&network.server);
}

enum { SLOW_CLIENTS = 400, SLOW_BYTES = 1400, SLOW_RATE_BYTES_S = 20 * 1000 * 1000 / 8 };

/* Starts a server behind a link of 20 Mbit/s, whose queue holds more than the send buffer. */
static void start_slow(struct server *server, struct neighbours *both, int *clients)
{
    netns_enter();
    add_neighbour(both, "near", NEAR_SETUP, FAR_SETUP);
    netns_shell("tc qdisc add dev near root tbf rate 20mbit burst 10k limit 10m");
    server_start(server, "[admission]\npolicy = open\n[reply]\nmode = echo\n", "-l",
                 "10.8.0.1:3000", NULL);
    for (int i = 0; i < SLOW_CLIENTS; i++) {
        clients[i] = udp_open_in(both->there, both, "10.8.0.9");
        udp_ask(clients[i], &server->at[0], "hi", "hi");
    }
}

Test(system_send_failures, a_broadcast_waits_for_a_full_socket_and_loses_no_copy)
{
    static char text[SLOW_BYTES + 1];
    static int clients[SLOW_CLIENTS];
    struct server server = {0};
    struct neighbours both;
    const char *report;

    memset(text, 'x', SLOW_BYTES);
    start_slow(&server, &both, clients);
    report = ctl_ok(&server, "broadcast", text, "--json", NULL);
    harness_equal("sent", json_integer(report, "sent"), SLOW_CLIENTS);
    harness_equal("failed", json_integer(report, "failed"), 0);
    for (int i = 0; i < SLOW_CLIENTS; i++)
        udp_expect(clients[i], &server.at[0], text);
    /* The link takes 224 ms for all copies. A send buffer of 128k holds less than half of them. */
    expect(json_integer(report, "duration_ms") >=
               SLOW_CLIENTS * SLOW_BYTES * 1000 / SLOW_RATE_BYTES_S / 3,
           "expected the socket to fill; '%s'", report);
    server_stop(&server);
}

Test(system_send_failures, a_full_listener_delays_no_copy_of_other_listeners)
{
    static char text[SLOW_BYTES + 1];
    static int clients[SLOW_CLIENTS];
    struct server server = {0};
    struct neighbours both;

    memset(text, 'x', SLOW_BYTES);
    netns_enter();
    add_neighbour(&both, "near", NEAR_SETUP, FAR_SETUP);
    server_start(&server, "[admission]\npolicy = open\n[reply]\nmode = echo\n", "-l",
                 "10.8.0.1:3000", "-l", "127.0.0.1:3000", "-l", "tcp:127.0.0.1:0", NULL);
    /* Every second client is reached through the link that is slowed down below. */
    for (int i = 0; i < SLOW_CLIENTS; i++) {
        clients[i] =
            i % 2 == 0 ? udp_open_in(both.there, &both, "10.8.0.9") : udp_open("127.0.0.1");
        udp_ask(clients[i], &server.at[i % 2], "hi", "hi");
    }
    int stream = stream_open(server.others[0]);
    server_await_clients(&server, SLOW_CLIENTS + 1);
    netns_shell("tc qdisc add dev near root tbf rate 8kbit burst 2k limit 10m");
    ctl_ok(&server, "broadcast", "--no-wait", text, NULL);
    for (int i = 1; i < SLOW_CLIENTS; i += 2)
        udp_expect(clients[i], &server.at[1], text);
    stream_expect(stream, text);
    int64_t sent = server_stat(&server, "copies_sent");
    expect(sent < SLOW_CLIENTS + 1,
           "expected the copies of the slow link to wait, all %d were sent", (int)sent);

    netns_shell("tc qdisc change dev near root tbf rate 100mbit burst 20k limit 10m");
    for (int i = 0; i < SLOW_CLIENTS; i += 2)
        udp_expect(clients[i], &server.at[0], text);
    server_await_stat(&server, "broadcasts", 1);
    harness_equal("copies_sent", server_stat(&server, "copies_sent"), SLOW_CLIENTS + 1);
    for (int i = 0; i < SLOW_CLIENTS; i++)
        udp_expect_nothing(clients[i], "each has its copy");
    server_stop(&server);
}

Test(system_send_failures, listeners_of_different_speed_lose_and_repeat_no_copy)
{
    enum { MIXED_CLIENTS = 600 };
    static char text[SLOW_BYTES + 1];
    static int clients[MIXED_CLIENTS];
    struct server server = {0};
    struct neighbours first, second;

    memset(text, 'x', SLOW_BYTES);
    netns_enter();
    add_neighbour(&first, "near", NEAR_SETUP, FAR_SETUP);
    add_neighbour(&second, "other", "ip addr add 10.9.0.1/24 dev other",
                  "ip addr add 10.9.0.9/24 dev far");
    server_start(&server, "[admission]\npolicy = open\n[reply]\nmode = echo\n", "-l",
                 "10.8.0.1:3000", "-l", "10.9.0.1:3000", "-l", "127.0.0.1:3000", NULL);
    for (int i = 0; i < MIXED_CLIENTS; i++) {
        /* The listeners of the clients alternate in runs of different lengths. */
        int k = i * i / 50 % 3;
        clients[i] = k == 0   ? udp_open_in(first.there, &first, "10.8.0.9")
                     : k == 1 ? udp_open_in(second.there, &second, "10.9.0.9")
                              : udp_open("127.0.0.1");
        udp_ask(clients[i], &server.at[k], "hi", "hi");
    }
    netns_shell("tc qdisc add dev near root tbf rate 4mbit burst 2k limit 10m\n"
                "tc qdisc add dev other root tbf rate 16mbit burst 2k limit 10m");
    const char *report = ctl_ok(&server, "broadcast", "--json", text, NULL);
    harness_equal("sent", json_integer(report, "sent"), MIXED_CLIENTS);
    for (int i = 0; i < MIXED_CLIENTS; i++)
        udp_expect(clients[i], NULL, text);
    for (int i = 0; i < MIXED_CLIENTS; i++)
        udp_expect_nothing(clients[i], "each has its copy");
    server_stop(&server);
}

Test(system_send_failures, answers_wait_for_a_full_socket_and_none_is_lost)
{
    static char text[SLOW_BYTES + 1];
    static int clients[SLOW_CLIENTS];
    struct server server = {0};
    struct neighbours both;

    memset(text, 'x', SLOW_BYTES);
    start_slow(&server, &both, clients);
    for (int i = 0; i < SLOW_CLIENTS; i++)
        udp_send_text(clients[i], &server.at[0], text);
    for (int i = 0; i < SLOW_CLIENTS; i++)
        udp_expect(clients[i], &server.at[0], text);
    harness_equal("replied", server_stat(&server, "replied"), 2 * SLOW_CLIENTS);
    harness_equal("kernel_drops", server_stat(&server, "kernel_drops"), 0);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_send_failures, waiting_answers_are_sent_after_a_reload_of_the_messages)
{
    static char message[SLOW_BYTES + 1];
    static int clients[SLOW_CLIENTS];
    struct server server = {0};
    struct neighbours both;

    memset(message, 'a', SLOW_BYTES);
    netns_enter();
    add_neighbour(&both, "near", NEAR_SETUP, FAR_SETUP);
    netns_shell("tc qdisc add dev near root tbf rate 20mbit burst 10k limit 10m");
    server_start(&server,
                 harness_format("[admission]\npolicy = open\n[reply]\nmessage = %s\n", message),
                 "-l", "10.8.0.1:3000", NULL);
    for (int i = 0; i < SLOW_CLIENTS; i++) {
        clients[i] = udp_open_in(both.there, &both, "10.8.0.9");
        udp_send_text(clients[i], &server.at[0], "hi");
    }
    /* By now there are more answers than the link has taken, so some of them wait. */
    server_configure(&server, "[admission]\npolicy = open\n[reply]\nmessage = b\n");
    ctl_ok(&server, "reload", NULL);
    for (int i = 0; i < SLOW_CLIENTS; i++) {
        char answer[SLOW_BYTES + 1] = "";
        ssize_t size = udp_receive(clients[i], answer, sizeof answer, NULL);
        bool old = size == SLOW_BYTES && memcmp(answer, message, SLOW_BYTES) == 0;
        expect(old || (size == 1 && answer[0] == 'b'), "client %d got %zd bytes of neither message",
               i, size);
    }
    server_stop(&server);
}
