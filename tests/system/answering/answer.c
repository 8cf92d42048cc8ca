/* Replies to datagrams: the rotation of messages, the source address of a reply, and the counters
 * of datagrams that get no reply. */

#include "harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_answer, .fini = harness_end, .timeout = 60);

static const char *const CARS[] = {"audi", "toyota", "bmw"};

Test(system_answer, rotates_exactly_over_interleaved_clients)
{
    enum { CLIENTS = 7, ROUNDS = 700 };
    struct server server = {0};
    int clients[CLIENTS];
    uint32_t seed = 1;

    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = udp_open("127.0.0.1");
    for (int turn = 0; turn < ROUNDS; turn++) {
        seed = seed * 1664525 + 1013904223; /* Numerical Recipes' generator */
        udp_ask(clients[(seed >> 16) % CLIENTS], &server.at[0], "hi", CARS[turn % 3]);
    }
    harness_equal("replied", server_stat(&server, "replied"), ROUNDS);
    harness_equal("clients", server_stat(&server, "clients"), CLIENTS);
    server_stop(&server);
}

Test(system_answer, rotates_in_the_order_of_arrival_when_requests_arrive_faster_than_replies)
{
    enum { CLIENTS = 5, ROUNDS = 20, REQUESTS = 200 };
    struct server server = {0};
    int clients[CLIENTS];
    int asked[REQUESTS];
    uint32_t seed = 2;

    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = udp_open("127.0.0.1");
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < REQUESTS; i++) {
            seed = seed * 1664525 + 1013904223;
            asked[i] = (int)((seed >> 16) % CLIENTS);
            udp_send_text(clients[asked[i]], &server.at[0], "hi");
        }
        for (int i = 0; i < REQUESTS; i++)
            udp_expect(clients[asked[i]], &server.at[0], CARS[(round * REQUESTS + i) % 3]);
    }
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_answer, has_one_rotation_for_all_listeners_and_registers_a_client_for_each_listener)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");
    struct endpoint name = udp_name(udp);
    const char *clients;

    server_start(&server, NULL, "-l", "127.0.0.1:0", "-l", "127.0.0.2:0", "-l", "127.0.0.1:0",
                 NULL);
    harness_equal("listeners", (int64_t)server.listeners, 3);
    for (int turn = 0; turn < 30; turn++)
        udp_ask(udp, &server.at[turn % 3], "hi", CARS[turn % 3]);
    harness_equal("clients", server_stat(&server, "clients"), 3);
    clients = ctl_ok(&server, "clients", "--json", NULL);
    harness_equal("entries of the client", (int64_t)text_count(clients, endpoint_text(&name)), 3);
    for (int i = 0; i < 3; i++)
        harness_contains("clients --json", clients, endpoint_text(&server.at[i]));
    server_stop(&server);
}

Test(system_answer, replies_over_ipv6)
{
    struct server server = {0};
    int four = udp_open("127.0.0.1"), six = udp_open("::1");

    server_start(&server, NULL, "-l", "127.0.0.1:0", "-l", "[::1]:0", NULL);
    udp_ask(four, &server.at[0], "hi", "audi");
    udp_ask(six, &server.at[1], "hi", "toyota");
    udp_ask(four, &server.at[0], "hi", "bmw");
    server_stop(&server);
}

Test(system_answer, echoes_any_bytes_of_any_admitted_size)
{
    static char sent[65507], received_bytes[65536];
    static const size_t sizes[] = {1, 2, 63, 1472, 2048, 9000, 65507};
    struct server server = {0};
    int udp = udp_open("127.0.0.1");

    for (size_t i = 0; i < sizeof sent; i++)
        sent[i] = (char)(i * 31 + i / 256);
    server_start(&server, "[server]\nmax-datagram = 65507\n[reply]\nmode = echo\n", "-l",
                 "127.0.0.1:0", NULL);
    udp_ask(udp, &server.at[0], "", "");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        ssize_t size;

        udp_send(udp, &server.at[0], sent, sizes[i]);
        size = udp_receive(udp, received_bytes, sizeof received_bytes, NULL);
        harness_equal("the echo's size", size, (int64_t)sizes[i]);
        expect(memcmp(received_bytes, sent, sizes[i]) == 0, "expected the %zu bytes that were sent",
               sizes[i]);
    }
    server_stop(&server);
}

Test(system_answer, sends_no_reply_under_mode_none_but_registers_the_client)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");

    server_start(&server, "[reply]\nmode = none\n", "-l", "127.0.0.1:0", NULL);
    udp_send_text(udp, &server.at[0], "hi");
    server_await_stat(&server, "silent", 1);
    harness_equal("clients", server_stat(&server, "clients"), 1);
    ctl_ok(&server, "broadcast", "news", NULL);
    udp_expect(udp, &server.at[0], "news"); /* a reply would have been received first */
    udp_expect_nothing(udp, "a reply or a second broadcast");
    harness_equal("replied", server_stat(&server, "replied"), 0);
    server_stop(&server);
}

Test(system_answer, replies_to_an_empty_datagram)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");

    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    udp_ask(udp, &server.at[0], "", "audi");
    udp_ask(udp, &server.at[0], "", "toyota");
    harness_equal("received", server_stat(&server, "received"), 2);
    harness_equal("clients", server_stat(&server, "clients"), 1);
    server_stop(&server);
}

Test(system_answer, sends_an_empty_message_as_an_empty_datagram)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");

    server_start(&server, "[reply]\nmessage = \"\", \"a\\n\\x00b\"\n", "-l", "127.0.0.1:0", NULL);
    udp_ask(udp, &server.at[0], "hi", "");
    udp_send_text(udp, &server.at[0], "hi");
    char bytes[16];
    harness_equal("size", udp_receive(udp, bytes, sizeof bytes, NULL), 4);
    expect(memcmp(bytes, "a\n\0b", 4) == 0, "expected the escapes as bytes");
    server_stop(&server);
}

Test(system_answer, drops_and_counts_datagrams_longer_than_max_datagram)
{
    char bytes[2049] = {'x'};
    struct server server = {0};
    int udp = udp_open("127.0.0.1"), other = udp_open("127.0.0.1");

    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    udp_send(other, &server.at[0], bytes, 2049);
    udp_send(udp, &server.at[0], bytes, 2049);
    /* The oversize datagrams did not advance the rotation. */
    udp_ask(udp, &server.at[0], "hi", "audi");
    udp_send(udp, &server.at[0], bytes, 2048);
    udp_expect(udp, &server.at[0], "toyota");
    udp_expect_nothing(other, "a reply to an oversize datagram");
    harness_equal("drop_oversize", server_stat(&server, "drop_oversize"), 2);
    harness_equal("clients", server_stat(&server, "clients"), 1);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_answer, replies_to_a_client_that_the_full_registry_refuses)
{
    struct server server = {0};
    int clients[4];

    server_start(&server, "[clients]\nmax = 3\n", "-l", "127.0.0.1:0", NULL);
    for (int i = 0; i < 4; i++) {
        clients[i] = udp_open("127.0.0.1");
        udp_ask(clients[i], &server.at[0], "hi", CARS[i % 3]);
    }
    udp_ask(clients[0], &server.at[0], "hi", "toyota"); /* a registered client is renewed */
    harness_equal("clients", server_stat(&server, "clients"), 3);
    harness_equal("refused_full", server_stat(&server, "refused_full"), 1);
    ctl_ok(&server, "broadcast", "news", NULL);
    for (int i = 0; i < 3; i++)
        udp_expect(clients[i], &server.at[0], "news");
    /* The refused client received no broadcast before this reply. */
    udp_ask(clients[3], &server.at[0], "hi", "bmw");
    server_stop(&server);
}

Test(system_answer, drops_and_counts_a_source_on_the_port_of_the_service)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1"), same_port;

    server_start(&server, "[admission]\npolicy = open\n", "-l", "127.0.0.1:0", NULL);
    same_port = udp_open(harness_format("127.0.0.2:%d", endpoint_port(&server.at[0])));
    udp_send_text(same_port, &server.at[0], "hi");
    udp_ask(udp, &server.at[0], "hi", "audi");
    udp_expect_nothing(same_port,
                       "a reply to a source on the service's port, which may be another server");
    harness_equal("drop_own_source", server_stat(&server, "drop_own_source"), 1);
    harness_equal("clients", server_stat(&server, "clients"), 1);
    server_stop(&server);
}

Test(system_answer, drops_and_counts_source_port_zero)
{
    struct server server = {0};
    struct endpoint port_zero = endpoint_of("127.0.0.1:0");
    int udp = udp_open("127.0.0.1");

    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    udp_send_forged(&port_zero, &server.at[0], "hi", 2);
    udp_ask(udp, &server.at[0], "hi", "audi");
    harness_equal("drop_port_zero", server_stat(&server, "drop_port_zero"), 1);
    harness_equal("clients", server_stat(&server, "clients"), 1);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_answer, drops_and_counts_a_source_that_is_one_of_its_own_listeners)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");

    server_start(&server, NULL, "-l", "127.0.0.1:0", "-l", "127.0.0.1:0", NULL);
    udp_send_forged(&server.at[1], &server.at[0], "hi", 2);
    udp_send_forged(&server.at[0], &server.at[0], "hi", 2);
    udp_ask(udp, &server.at[0], "hi", "audi");
    harness_equal("drop_own_source", server_stat(&server, "drop_own_source"), 2);
    /* A reply to one of them would have been received as another datagram. */
    harness_equal("received", server_stat(&server, "received"), 3);
    harness_equal("clients", server_stat(&server, "clients"), 1);
    server_stop(&server);
}

Test(system_answer, drops_and_counts_datagrams_sent_to_a_broadcast_address)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1"), yes = 1;
    struct endpoint all, one;

    server_start(&server, "[admission]\npolicy = open\n", "-l", "0.0.0.0:0", NULL);
    all = endpoint_with_port("127.255.255.255", endpoint_port(&server.at[0]));
    one = endpoint_with_port("127.0.0.1", endpoint_port(&server.at[0]));
    setsockopt(udp, SOL_SOCKET, SO_BROADCAST, &yes, sizeof yes);
    udp_send_text(udp, &all, "hi");
    udp_ask(udp, &one, "hi", "audi");
    harness_equal("drop_multicast", server_stat(&server, "drop_multicast"), 1);
    harness_equal("received", server_stat(&server, "received"), 2);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_answer, replies_from_the_destination_address_of_the_request_on_a_wildcard_listener)
{
    static const char *const addresses[] = {"127.0.0.1", "127.0.0.2", "127.0.0.3"};
    struct server server = {0};
    int four = udp_open("127.0.0.1"), six = udp_open("::1");
    struct endpoint to;

    server_start(&server, "[admission]\npolicy = open\n", "-l", "0.0.0.0:0", "-l", "[::]:0", NULL);
    for (int turn = 0; turn < 12; turn++) {
        to = turn % 4 == 3 ? endpoint_with_port("::1", endpoint_port(&server.at[1]))
                           : endpoint_with_port(addresses[turn % 4], endpoint_port(&server.at[0]));
        udp_ask(turn % 4 == 3 ? six : four, &to, "hi", CARS[turn % 3]);
    }
    /* A client is registered once for a listener, whatever local address it sent to. Broadcasts
     * leave from the address that it sent to last. */
    harness_equal("clients", server_stat(&server, "clients"), 2);
    ctl_ok(&server, "broadcast", "news", NULL);
    to = endpoint_with_port("127.0.0.3", endpoint_port(&server.at[0]));
    udp_expect(four, &to, "news");
    to = endpoint_with_port("::1", endpoint_port(&server.at[1]));
    udp_expect(six, &to, "news");
    server_stop(&server);
}

Test(system_answer, replies_to_open_clients_while_closed_ones_cause_icmp_errors)
{
    enum { ROUNDS = 200 };
    struct server server = {0};
    int open_client = udp_open("127.0.0.1");

    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    for (int round = 0; round < ROUNDS; round++) {
        int closed_client = udp_open("127.0.0.77");

        /* Both replies reach a closed port. */
        udp_send_text(closed_client, &server.at[0], "hi");
        udp_send_text(closed_client, &server.at[0], "hi");
        close(closed_client);
        udp_ask(open_client, &server.at[0], "hi", CARS[(3 * round + 2) % 3]);
    }
    ctl_ok(&server, "broadcast", "news", NULL);
    udp_expect(open_client, &server.at[0], "news");
    harness_equal("replied", server_stat(&server, "replied"), 3 * ROUNDS);
    harness_equal("reply_failed", server_stat(&server, "reply_failed"), 0);
    harness_equal("copies_failed", server_stat(&server, "copies_failed"), 0);
    server_stop(&server);
}

Test(system_answer, counters_balance_over_mixed_datagrams)
{
    char bytes[3000] = {0};
    struct server server = {0};
    int udp = udp_open("127.0.0.1"), same_port;
    const char *stats;

    server_start(&server, "[admission]\npolicy = open\n", "-l", "127.0.0.1:0", NULL);
    same_port = udp_open(harness_format("127.0.0.9:%d", endpoint_port(&server.at[0])));
    for (int round = 0; round < 50; round++) {
        udp_send(udp, &server.at[0], bytes, sizeof bytes);
        udp_send_text(same_port, &server.at[0], "hi");
        udp_ask(udp, &server.at[0], "", CARS[round % 3]);
    }
    stats = ctl_ok(&server, "stats", "--json", NULL);
    harness_equal("received", json_integer(stats, "received"), 150);
    harness_equal("replied", json_integer(stats, "replied"), 50);
    harness_equal("drop_oversize", json_integer(stats, "drop_oversize"), 50);
    harness_equal("drop_own_source", json_integer(stats, "drop_own_source"), 50);
    expect_balance("stats --json", stats);
    server_stop(&server);
}

Test(system_answer, counts_datagrams_that_the_kernel_dropped)
{
    enum { FLOOD = 3000 };
    char bytes[1000] = {0};
    struct server server = {0};
    int udp = udp_open("127.0.0.1");
    int64_t received, dropped;

    server_start(&server, "[server]\nreceive-buffer = 64k\n[reply]\nmode = none\n", "-l",
                 "127.0.0.1:0", NULL);
    process_kill(&server.process, SIGSTOP); /* datagrams stay in the receive queue meanwhile */
    for (int i = 0; i < FLOOD; i++)
        udp_send(udp, &server.at[0], bytes, sizeof bytes);
    process_kill(&server.process, SIGCONT);
    dropped = server_stat(&server, "kernel_drops");
    expect(dropped > 0, "expected kernel_drops after a flood, there are none");
    server_await_stat(&server, "received", FLOOD - dropped);
    received = server_stat(&server, "received");
    harness_equal("received + kernel_drops", received + server_stat(&server, "kernel_drops"),
                  FLOOD);
    server_stop(&server);
}

Test(system_answer, works_with_a_python_client)
{
    struct server server = {0};
    const char *script;

    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    if (run(NULL, "python3", "-c", "", NULL).status != 0)
        cr_skip_test("python3 does not run here");
    script = harness_format("import socket\n"
                            "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                            "while (text := input()) != 'exit':\n"
                            "    s.sendto(text.encode(), ('127.0.0.1', %d))\n"
                            "    print(s.recv(2048).decode())\n",
                            endpoint_port(&server.at[0]));
    cr_assert_str_eq(run_ok("one\ntwo\nthree\nfour\nexit\nfive\n", "python3", "-c", script, NULL),
                     "audi\ntoyota\nbmw\naudi\n");
    server_stop(&server);
}

Test(system_answer, works_with_ncat)
{
    struct server server = {0};
    const char *command;

    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    if (run(NULL, "ncat", "--version", NULL).status != 0)
        cr_skip_test("ncat does not run here");
    /* The documented command, except that its input lasts until the reply has been received, and
     * not for a second. */
    command = harness_format("folder=$(mktemp -d) && mkfifo $folder/end && "
                             "(printf 'hi\\n'; cat $folder/end) | ncat -u 127.0.0.1 %d | "
                             "(head -c 4; : >$folder/end); rm -r $folder",
                             endpoint_port(&server.at[0]));
    cr_assert_str_eq(run_ok(NULL, "sh", "-c", command, NULL), "audi");
    server_stop(&server);
}
