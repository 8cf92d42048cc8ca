/* Messages to one client: `udpctl send`, over all workers and transports. */

#include "harness.h"

#include "base/prng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_send, .fini = harness_end, .timeout = 120);

static const char SILENT[] = "[server]\nworkers = %d\n[admission]\npolicy = open\n"
                             "[reply]\nmode = none\n";

static const char *hex(const char *text)
{
    char *digits = malloc(2 * strlen(text) + 1);
    for (size_t i = 0; i < strlen(text); i++)
        sprintf(digits + 2 * i, "%02x", (unsigned char)text[i]);
    const char *kept = harness_format("%s", digits);
    free(digits);
    return kept;
}

/* ---- exactly the addressed client ---- */

enum { UDP_CLIENTS = 1000, TCP_CLIENTS = 100, UNIX_CLIENTS = 10 };
enum { CLIENTS = UDP_CLIENTS + TCP_CLIENTS + UNIX_CLIENTS };

/* How a message is sent: most by a command on one connection, since a program takes longer. */
enum way { BY_COMMAND, BY_PROGRAM, BY_PROGRAM_WITH_JSON };

struct network {
    struct server server;
    int fds[CLIENTS];
    const char *names[CLIENTS];
    enum way ways[CLIENTS];
};

static const char *tcp_name(int stream)
{
    struct endpoint name = {.size = sizeof name.sockaddr};
    getsockname(stream, (struct sockaddr *)&name.sockaddr, &name.size);
    return harness_format("tcp:%s", endpoint_text(&name));
}

/* Clients of Unix sockets are numbered as they are accepted. */
static void connect_all(struct network *network)
{
    struct server *server = &network->server;
    for (int i = 0; i < UDP_CLIENTS; i++) {
        int udp = network->fds[i] = udp_open("127.0.0.1");
        struct endpoint name = udp_name(udp);
        network->names[i] = harness_format("%s", endpoint_text(&name));
        udp_send_text(udp, &server->at[0], "hi");
    }
    for (int i = UDP_CLIENTS; i < UDP_CLIENTS + TCP_CLIENTS; i++) {
        network->fds[i] = stream_open(server->others[0]);
        network->names[i] = tcp_name(network->fds[i]);
    }
    for (int i = UDP_CLIENTS + TCP_CLIENTS; i < CLIENTS; i++) {
        network->fds[i] = stream_open(server->others[1]);
        network->names[i] = harness_format("unix:#%d", i - UDP_CLIENTS - TCP_CLIENTS + 1);
    }
    server_await_clients(server, CLIENTS);
}

static void expect_message(const struct network *network, int i, const char *text)
{
    if (i < UDP_CLIENTS)
        udp_expect(network->fds[i], &network->server.at[0], text);
    else
        stream_expect(network->fds[i], text);
}

static void expect_no_message(const struct network *network, int i)
{
    if (i < UDP_CLIENTS)
        udp_expect_nothing(network->fds[i], "each client gets only its own message");
    else
        stream_expect_nothing(network->fds[i], "each client gets only its own message");
}

/* Draws clients of one kind, to which the program sends, half of them with --json. */
static void draw_ways(struct network *network, struct prng *prng, int first, int count, int wanted)
{
    while (wanted > 0) {
        enum way *way = &network->ways[first + (int)(prng_next(prng) % (uint64_t)count)];
        if (*way != BY_COMMAND)
            continue;
        *way = wanted % 2 == 0 ? BY_PROGRAM : BY_PROGRAM_WITH_JSON;
        wanted--;
    }
}

static void draw_all_ways(struct network *network, uint64_t seed)
{
    struct prng prng;
    prng_init(&prng, seed);
    draw_ways(network, &prng, 0, UDP_CLIENTS, 20);
    draw_ways(network, &prng, UDP_CLIENTS, TCP_CLIENTS, 10);
    draw_ways(network, &prng, UDP_CLIENTS + TCP_CLIENTS, UNIX_CLIENTS, 4);
}

static const char *listener_of(const struct network *network, int i)
{
    if (i < UDP_CLIENTS)
        return endpoint_text(&network->server.at[0]);
    return network->server.others[i < UDP_CLIENTS + TCP_CLIENTS ? 0 : 1];
}

static void send_to(struct network *network, int i, const char *text)
{
    struct server *server = &network->server;
    const char *name = network->names[i], *answer;
    switch (network->ways[i]) {
    case BY_COMMAND:
        answer = server_ask(server, harness_format("send %s %s", name, hex(text)));
        harness_equal("sent", answer_integer(answer, "sent"), 1);
        harness_equal("failed", answer_integer(answer, "failed"), 0);
        break;
    case BY_PROGRAM:
        cr_assert_str_eq(ctl_ok(server, "send", name, text, NULL),
                         harness_format("address   %s\nlistener  %s\nsent      1\nfailed    0\n",
                                        name, listener_of(network, i)));
        break;
    case BY_PROGRAM_WITH_JSON:
        cr_assert_str_eq(ctl_ok(server, "--json", "send", name, text, NULL),
                         harness_format("{\"address\":\"%s\",\"listener\":\"%s\",\"sent\":1,"
                                        "\"failed\":0}\n",
                                        name, listener_of(network, i)));
        break;
    }
}

static void reach_each_client(int workers)
{
    struct network *network = calloc(1, sizeof *network);
    if (!harness_raise_file_limit(2 * CLIENTS + 200))
        cr_skip("this host allows too few open files");
    server_start(&network->server, harness_format(SILENT, workers), "-l", "127.0.0.1:0", "-l",
                 "tcp:127.0.0.1:0", "-l", harness_format("unix:%s", harness_path("chat")), NULL);
    connect_all(network);
    draw_all_ways(network, (uint64_t)workers);
    for (int i = 0; i < CLIENTS; i++)
        send_to(network, i, harness_format("for %d", i));
    for (int i = 0; i < CLIENTS; i++)
        expect_message(network, i, harness_format("for %d", i));
    for (int i = 0; i < CLIENTS; i++)
        expect_no_message(network, i);
    harness_equal("direct_sent", server_stat(&network->server, "direct_sent"), CLIENTS);
    harness_equal("direct_failed", server_stat(&network->server, "direct_failed"), 0);
    server_stop(&network->server);
    free(network);
}

Test(system_send, reaches_exactly_the_addressed_client_of_one_worker)
{
    reach_each_client(1);
}

Test(system_send, reaches_exactly_the_addressed_client_of_four_workers)
{
    reach_each_client(4);
}

/* ---- by which listener, from which address ---- */

Test(system_send, leaves_once_by_the_listener_that_the_client_last_sent_to)
{
    struct server server = {0};
    server_start(&server, harness_format(SILENT, 4), "-l", "127.0.0.1:0", "-l", "127.0.0.2:0",
                 NULL);
    int udp = udp_open("127.0.0.3");
    struct endpoint name = udp_name(udp);
    for (int turn = 0; turn < 4; turn++) {
        struct endpoint *at = &server.at[turn % 2];
        int64_t received = server_stat(&server, "received");
        udp_send_text(udp, at, "hi");
        server_await_stat(&server, "received", received + 1);
        /* The age of a datagram is known in milliseconds. */
        harness_wait_ms(2);
        const char *json = ctl_ok(&server, "send", endpoint_text(&name), "news", "--json", NULL);
        cr_assert_str_eq(json_text(json, "listener"), endpoint_text(at));
        udp_expect(udp, at, "news");
        udp_expect_nothing(udp, "one message is one datagram");
    }
    harness_equal("clients", server_stat(&server, "clients"), 2);
    server_stop(&server);
}

Test(system_send, leaves_from_the_address_that_the_client_last_sent_to)
{
    struct server server = {0};
    server_start(&server, harness_format(SILENT, 1), "-l", "0.0.0.0:0", NULL);
    int udp = udp_open("127.0.0.3");
    struct endpoint name = udp_name(udp);
    for (int turn = 0; turn < 4; turn++) {
        struct endpoint to = endpoint_with_port(turn % 2 == 0 ? "127.0.0.4" : "127.0.0.5",
                                                endpoint_port(&server.at[0]));
        udp_send_text(udp, &to, "hi");
        server_await_stat(&server, "received", turn + 1);
        ctl_ok(&server, "send", endpoint_text(&name), "news", NULL);
        udp_expect(udp, &to, "news");
    }
    server_stop(&server);
}

/* ---- payloads and results ---- */

Test(system_send, sends_text_bytes_and_nothing_and_prints_the_result)
{
    struct server server = {0};
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    int udp = udp_open("127.0.0.1");
    struct endpoint name = udp_name(udp);
    const char *client = harness_format("%s", endpoint_text(&name));
    uint8_t bytes[8];
    udp_ask(udp, &server.at[0], "hi", "audi");
    cr_assert_str_eq(ctl_ok(&server, "send", client, "good morning", NULL),
                     harness_format("address   %s\nlistener  %s\nsent      1\nfailed    0\n",
                                    client, endpoint_text(&server.at[0])));
    udp_expect(udp, &server.at[0], "good morning");
    cr_assert_str_eq(ctl_ok(&server, "--json", "send", client, "--hex", "00FF0a", NULL),
                     harness_format("{\"address\":\"%s\",\"listener\":\"%s\",\"sent\":1,"
                                    "\"failed\":0}\n",
                                    client, endpoint_text(&server.at[0])));
    harness_equal("size", udp_receive(udp, bytes, sizeof bytes, NULL), 3);
    cr_assert_arr_eq(bytes, "\x00\xff\x0a", 3);
    ctl_ok(&server, "send", client, "", NULL);
    harness_equal("size", udp_receive(udp, bytes, sizeof bytes, NULL), 0);
    harness_contains("the log", server_await_log(&server, "name=send"), client);
    server_stop(&server);
}

Test(system_send, sends_a_line_to_a_stream)
{
    struct server server = {0};
    server_start(&server, NULL, "-l", "tcp:127.0.0.1:0", NULL);
    int stream = stream_open(server.others[0]);
    server_await_clients(&server, 1);
    ctl_ok(&server, "send", tcp_name(stream), "two\nlines", NULL);
    stream_expect(stream, "two lines");
    server_stop(&server);
}

Test(system_send, sends_the_longest_payload_and_refuses_a_longer_one)
{
    enum { LONGEST = 65507 };
    struct server server = {0};
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    int udp = udp_open("127.0.0.1");
    struct endpoint name = udp_name(udp);
    static char digits[2 * (LONGEST + 1) + 1];
    static uint8_t bytes[LONGEST + 1];
    udp_ask(udp, &server.at[0], "hi", "audi");
    memset(digits, 'a', 2 * LONGEST);
    ctl_ok(&server, "send", endpoint_text(&name), "--hex", digits, NULL);
    harness_equal("size", udp_receive(udp, bytes, sizeof bytes, NULL), LONGEST);
    memset(digits, 'a', sizeof digits - 1);
    struct result result = ctl(&server, "send", endpoint_text(&name), "--hex", digits, NULL);
    harness_equal("status", result.status, 1);
    harness_contains("the error", result.err, "the payload is longer than 65507 bytes");
    server_stop(&server);
}

/* ---- failures ---- */

Test(system_send, says_that_no_such_client_is_registered)
{
    struct server server = {0};
    server_start(&server, harness_format(SILENT, 4), "-l", "127.0.0.1:0", "-l", "tcp:127.0.0.1:0",
                 NULL);
    static const char *const names[] = {"127.0.0.1:9", "[::1]:9", "tcp:127.0.0.1:9", "unix:#1"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct result result = ctl(&server, "send", names[i], "hi", NULL);
        harness_equal("status", result.status, 1);
        harness_contains(
            "the error", result.err,
            harness_format("cannot send to %s: no such client is registered", names[i]));
    }
    const char *json = ctl(&server, "--json", "send", names[0], "hi", NULL).out;
    harness_contains("the object", json, "{\"error\":\"cannot send to 127.0.0.1:9: ");
    harness_equal("direct_failed", server_stat(&server, "direct_failed"), 0);
    server_stop(&server);
}

static void expect_no_such_client(const struct server *server, const char *name)
{
    struct result result = ctl(server, "send", name, "hi", NULL);
    harness_equal("status", result.status, 1);
    harness_contains("the error", result.err,
                     harness_format("cannot send to %s: no such client is registered", name));
    result = ctl(server, "--json", "send", name, "hi", NULL);
    harness_equal("status", result.status, 1);
    harness_contains("the object", result.out,
                     harness_format("{\"error\":\"cannot send to %s: no such client", name));
}

/* A reload does not close a listener: the clients of a removed one stay until the restart. */
Test(system_send, reaches_clients_of_a_removed_listener_until_the_restart)
{
    const char *path = harness_path("chat");
    const char *streams = harness_format("listen = tcp:127.0.0.1:0\nlisten = unix:%s\n", path);
    static const char form[] = "[server]\nlisten = 127.0.0.1:0\n%s[reply]\nmode = none\n";
    struct server server = {0};
    server_start(&server, harness_format(form, streams), NULL);
    int udp = udp_open("127.0.0.1"), tcp = stream_open(server.others[0]),
        unix_stream = stream_open(server.others[1]);
    struct endpoint udp_address = udp_name(udp);
    const char *names[] = {harness_format("%s", endpoint_text(&udp_address)), tcp_name(tcp),
                           "unix:#1"};
    enum { NAMES = sizeof names / sizeof names[0] };
    udp_send_text(udp, &server.at[0], "hi");
    server_await_clients(&server, NAMES);
    server_configure(&server, harness_format(form, ""));
    ctl_ok(&server, "reload", NULL);
    for (size_t i = 0; i < NAMES; i++)
        ctl_ok(&server, "send", names[i], "still here", NULL);
    udp_expect(udp, &server.at[0], "still here");
    stream_expect(tcp, "still here");
    stream_expect(unix_stream, "still here");
    server_stop(&server);
    struct server again = {.socket = server.socket};
    server_start(&again, harness_format(form, ""), NULL);
    for (size_t i = 0; i < NAMES; i++)
        expect_no_such_client(&again, names[i]);
    harness_equal("direct_failed", server_stat(&again, "direct_failed"), 0);
    udp_expect_nothing(udp, "it is not registered with the new server");
    server_stop(&again);
}

Test(system_send, reports_why_the_kernel_refuses_a_message)
{
    struct server server = {0};
    netns_enter();
    netns_shell("ip addr add 10.9.0.1/32 dev lo; ip addr add 10.9.0.100/32 dev lo");
    server_start(&server, harness_format(SILENT, 1), "-l", "10.9.0.100:0", NULL);
    int udp = udp_open("10.9.0.1");
    struct endpoint name = udp_name(udp);
    const char *client = harness_format("%s", endpoint_text(&name));
    udp_send_text(udp, &server.at[0], "hi");
    server_await_clients(&server, 1);
    netns_shell("ip addr del 10.9.0.1/32 dev lo; ip route add unreachable 10.9.0.1/32");
    struct result result = ctl(&server, "send", client, "hi", NULL);
    harness_equal("status", result.status, 1);
    harness_contains("the result", result.out, "sent      0\nfailed    1\n");
    harness_contains("the error", result.err,
                     harness_format("udpctl: sending to %s: No route to host; ", client));
    result = ctl(&server, "--json", "send", client, "hi", NULL);
    harness_equal("status", result.status, 1);
    harness_contains("the object", result.out,
                     "\"sent\":0,\"failed\":1,\"reason\":\"No route to host\"}\n");
    harness_equal("bytes on stderr", (int64_t)strlen(result.err), 0);
    harness_equal("direct_failed", server_stat(&server, "direct_failed"), 2);
    server_stop(&server);
}

Test(system_send, disconnects_a_stream_that_does_not_read)
{
    enum { MESSAGES_MAX = 10000 };
    struct server server = {0};
    static char digits[2 * 60000 + 1];
    server_start(&server, "[server]\nstream-buffer = 64k\n", "-l", "tcp:127.0.0.1:0", NULL);
    int stream = stream_open(server.others[0]);
    server_await_clients(&server, 1);
    memset(digits, '6', sizeof digits - 1);
    const char *command = harness_format("send %s %s", tcp_name(stream), digits), *answer;
    int sent = 0;
    while (answer_integer(answer = server_ask(&server, command), "sent") == 1)
        expect(++sent < MESSAGES_MAX, "expected that the buffers are full by now");
    harness_contains("the answer", answer,
                     "reason the client reads too slowly, or has disconnected\n");
    harness_equal("direct_sent", server_stat(&server, "direct_sent"), sent);
    harness_equal("direct_failed", server_stat(&server, "direct_failed"), 1);
    server_await_stat(&server, "streams_slow", 1);
    harness_equal("clients", server_stat(&server, "clients"), 0);
    server_stop(&server);
}

Test(system_send, refuses_bad_arguments_on_the_control_socket)
{
    static const char *const lines[][2] = {
        {"send\n", "it needs ADDRESS [confirm [within=TIME]] HEX"},
        {"send 127.0.0.1:9\n", "the payload is invalid"},
        {"send 127.0.0.1:9 xy\n", "the payload is invalid"},
        {"send 127.0.0.1:9 0\n", "the payload is invalid"},
        {"send nowhere 00\n", "cannot send to 'nowhere': "},
        {"send 127.0.0.1 -\n", "cannot send to '127.0.0.1': "},
    };
    struct server server = {0};
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    int control = control_client_open(&server);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        operator_send(control, lines[i][0], strlen(lines[i][0]));
        const char *answer = operator_answer(control);
        harness_contains("the answer", answer, "error cannot ");
        harness_contains("the answer", answer, lines[i][1]);
    }
    close(control);
    server_stop(&server);
}
