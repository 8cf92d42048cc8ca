/* Stream clients over TCP and Unix sockets: lines, limits, listing, and clients that misbehave. */

#include "harness.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

TestSuite(system_streams, .fini = harness_end, .timeout = 120);

/* A server with a UDP, a TCP and a Unix listener. */
static void start(struct server *server, const char *config)
{
    server_start(server, config, "-l", "127.0.0.1:0", "-l", "tcp:127.0.0.1:0", "-l",
                 harness_format("unix:%s", harness_path("chat")), NULL);
    harness_equal("streams", (int64_t)server->other_count, 2);
}

static const char *tcp(const struct server *server)
{
    return server->others[0];
}

static const char *local(const struct server *server)
{
    return server->others[1];
}

Test(system_streams, lines_and_datagrams_share_one_rotation)
{
    struct server server = {0};
    start(&server, "[reply]\nmessage = one, two, \"three\\nlines\"\n");
    int udp = udp_open("127.0.0.1:0");
    int by_tcp = stream_open(tcp(&server)), by_path = stream_open(local(&server));
    stream_write_text(by_tcp, "hi\n");
    stream_expect(by_tcp, "one");
    udp_ask(udp, &server.at[0], "hi", "two");
    stream_write_text(by_path, "hi\r\n");
    stream_expect(by_path, "three lines");
    stream_write_text(by_tcp, "\n\nx\n");
    stream_expect(by_tcp, "one");
    stream_expect(by_tcp, "two");
    stream_expect(by_tcp, "three lines");
    expect_balance("stats", server_ask(&server, "stats"));
    harness_equal("received", server_stat(&server, "received"), 6);
    harness_equal("replied", server_stat(&server, "replied"), 6);
    harness_equal("clients", server_stat(&server, "clients"), 3);
    server_stop(&server);
}

Test(system_streams, clients_of_every_kind_are_listed_shown_and_kicked)
{
    struct server server = {0};
    start(&server, "[reply]\nmode = echo\n");
    int udp = udp_open("127.0.0.1:0"), by_tcp = stream_open(tcp(&server));
    int first = stream_open(local(&server)), second = stream_open(local(&server));
    struct endpoint name = {.size = sizeof name.sockaddr};
    getsockname(by_tcp, (struct sockaddr *)&name.sockaddr, &name.size);
    const char *by_tcp_name = harness_format("tcp:%s", endpoint_text(&name));
    udp_ask(udp, &server.at[0], "hi", "hi");
    stream_write_text(second, "hi\n");
    stream_expect(second, "hi");
    server_await_clients(&server, 4);

    const char *list = ctl_ok(&server, "clients", "--json", NULL);
    harness_contains("clients", list, harness_format("\"address\":\"%s\"", by_tcp_name));
    harness_contains("clients", list, harness_format("\"listener\":\"%s\"", tcp(&server)));
    harness_contains("clients", list, "\"address\":\"unix:#1\"");
    harness_contains("clients", list, harness_format("\"listener\":\"%s\"", local(&server)));
    harness_contains("a client", ctl_ok(&server, "client", "unix:#2", "--json", NULL),
                     "\"received\":1");
    harness_contains("a client", ctl_ok(&server, "client", by_tcp_name, "--json", NULL),
                     "\"received\":0");
    const char *sorted = ctl_ok(&server, "clients", "--sort", "address", NULL);
    expect(strstr(sorted, "tcp:127") < strstr(sorted, "unix:#1 ") &&
               strstr(sorted, "unix:#1 ") < strstr(sorted, "unix:#2 "),
           "expected them in order: %s", sorted);

    ctl_ok(&server, "kick", by_tcp_name, NULL);
    stream_expect_end(by_tcp);
    ctl_ok(&server, "kick", "unix:#2", NULL);
    stream_expect_end(second);
    harness_equal("status of a second kick", ctl(&server, "kick", "unix:#2", NULL).status, 1);
    harness_equal("status of nonsense", ctl(&server, "kick", "unix:7", NULL).status, 2);
    harness_equal("kicked", server_stat(&server, "kicked"), 2);
    harness_equal("clients", server_stat(&server, "clients"), 2);
    stream_write_text(first, "still here\n");
    stream_expect(first, "still here");
    server_stop(&server);
}

Test(system_streams, a_broadcast_reaches_clients_of_every_kind_and_adds_up)
{
    struct server server = {0};
    start(&server, "[reply]\nmode = none\n");
    int udp = udp_open("127.0.0.1:0"), by_tcp = stream_open(tcp(&server)),
        by_path = stream_open(local(&server));
    udp_send_text(udp, &server.at[0], "");
    server_await_clients(&server, 3);
    const char *report = ctl_ok(&server, "broadcast", "good\nnews", "--json", NULL);
    harness_equal("targets", json_integer(report, "targets"), 3);
    harness_equal("sent", json_integer(report, "sent"), 3);
    harness_equal("failed", json_integer(report, "failed"), 0);
    harness_equal("skipped", json_integer(report, "skipped"), 0);
    udp_expect(udp, &server.at[0], "good\nnews");
    stream_expect(by_tcp, "good news");
    stream_expect(by_path, "good news");
    server_stop(&server);
}

Test(system_streams, with_four_workers_streams_are_listed_kicked_and_reached_by_broadcasts_too)
{
    enum { CLIENTS = 40 };
    struct server server = {0};
    int clients[CLIENTS];
    start(&server, "[server]\nworkers = 4\n[reply]\nmode = echo\n");
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = i % 2 == 0 ? stream_open(local(&server)) : udp_open("127.0.0.1:0");
        if (i % 2 == 0)
            stream_write_text(clients[i], "hi\n");
        else
            udp_send_text(clients[i], &server.at[0], "hi");
    }
    server_await_clients(&server, CLIENTS);
    harness_equal("listed",
                  (int64_t)text_count(ctl_ok(&server, "clients", "--json", NULL), "\"address\":"),
                  CLIENTS);
    ctl_ok(&server, "kick", "unix:#1", NULL);
    const char *report = ctl_ok(&server, "broadcast", "news", "--json", NULL);
    harness_equal("targets", json_integer(report, "targets"), CLIENTS - 1);
    harness_equal("sent", json_integer(report, "sent"), CLIENTS - 1);
    for (int i = 0; i < CLIENTS; i++) {
        if (i % 2 == 0)
            stream_expect(clients[i], "hi");
        else
            udp_expect(clients[i], &server.at[0], "hi");
        if (i == 0)
            stream_expect_end(clients[i]);
        else if (i % 2 == 0)
            stream_expect(clients[i], "news");
        else
            udp_expect(clients[i], &server.at[0], "news");
    }
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_streams, a_client_that_ends_its_input_gets_every_reply_and_then_the_end)
{
    enum { LINES = 20000 };
    struct server server = {0};
    start(&server, "[reply]\nmode = echo\n");
    const char *const names[] = {tcp(&server), local(&server)};
    for (int k = 0; k < 2; k++) {
        char *text = malloc(LINES * 8), *at = text;
        for (int i = 0; i < LINES; i++)
            at += sprintf(at, "%d%s", i, i + 1 < LINES ? "\n" : "");
        /* A program that sends all lines, ends its output, and reads all replies. The last line has
         * no newline. */
        const char *out = run_ok(text, "python3", "-c",
                                 "import socket, sys, threading\n"
                                 "kind, _, at = sys.argv[1].partition(':')\n"
                                 "if kind == 'tcp':\n"
                                 "    s = socket.create_connection(at.rsplit(':', 1))\n"
                                 "else:\n"
                                 "    s = socket.socket(socket.AF_UNIX); s.connect(at)\n"
                                 "def send():\n"
                                 "    s.sendall(sys.stdin.buffer.read())\n"
                                 "    s.shutdown(socket.SHUT_WR)\n"
                                 "threading.Thread(target=send).start()\n"
                                 "while data := s.recv(65536): sys.stdout.buffer.write(data)\n",
                                 names[k], NULL);
        expect(strncmp(out, text, strlen(text)) == 0 && strcmp(out + strlen(text), "\n") == 0,
               "expected each of %d lines back by %s", LINES, names[k]);
        free(text);
    }
    harness_equal("received", server_stat(&server, "received"), 2 * LINES);
    expect_balance("stats", server_ask(&server, "stats"));
    server_await_clients(&server, 0);
    server_stop(&server);
}

/* Sends bytes until all are taken or the peer closes. Returns what it receives meanwhile. */
static const char *send_many(int stream, char byte, size_t size)
{
    static char bytes[65536], received[256];
    ssize_t got;
    size_t length = 0;
    memset(bytes, byte, sizeof bytes);
    while (size > 0) {
        struct pollfd wait = {.fd = stream, .events = POLLIN | POLLOUT};
        expect(poll(&wait, 1, HARNESS_DEADLINE_MS) == 1, "expected the peer to read or to close");
        if (wait.revents & POLLOUT) {
            got = send(stream, bytes, size < sizeof bytes ? size : sizeof bytes,
                       MSG_NOSIGNAL | MSG_DONTWAIT);
            if (got < 0 && errno != EAGAIN)
                break;
            size -= got > 0 ? (size_t)got : 0;
        }
        while (length < sizeof received - 1 &&
               (got = recv(stream, received + length, sizeof received - 1 - length, MSG_DONTWAIT)) >
                   0)
            length += (size_t)got;
    }
    received[length] = '\0';
    return received;
}

Test(system_streams, ten_megabytes_without_a_newline_get_an_error_line_and_the_end)
{
    struct server server = {0};
    start(&server, "[reply]\nmode = echo\n");
    int files = server_files(&server), good = stream_open(tcp(&server));
    int64_t before_kb = server_resident_kb(&server);
    const char *const names[] = {tcp(&server), local(&server)};
    for (int k = 0; k < 2; k++) {
        int bad = stream_open(names[k]);
        const char *received = send_many(bad, 'x', 10 << 20);
        harness_contains("what it received", received,
                         "error: the line is longer than 2048 bytes\n");
        shutdown(bad, SHUT_WR);
        stream_expect_end(bad);
        close(bad);
        stream_write_text(good, "hello\n");
        stream_expect(good, "hello");
    }
    expect(harness_sanitized() || server_resident_kb(&server) < before_kb + 2048,
           "expected %d kB of memory or so, not %d", (int)before_kb,
           (int)server_resident_kb(&server));
    harness_equal("drop_oversize", server_stat(&server, "drop_oversize"), 2);
    expect_balance("stats", server_ask(&server, "stats"));
    close(good);
    server_await_clients(&server, 0);
    server_await_files(&server, files + 1); /* the operator's connection */
    server_stop(&server);
}

Test(system_streams, garbage_does_not_disturb_other_clients_and_leaves_nothing_behind)
{
    struct server server = {0};
    start(&server, "[reply]\nmode = echo\n");
    int good = stream_open(tcp(&server));
    server_await_clients(&server, 1);
    int files = server_files(&server);
    for (int i = 0; i < 100; i++) {
        int bad = stream_open(i % 3 == 0 ? local(&server) : tcp(&server));
        switch (i % 4) {
        case 0: /* NUL is a byte like any other */
            expect(send(bad, "a\0b\n", 4, MSG_NOSIGNAL) == 4, "expected NULs to be sent");
            stream_line(bad);
            close(bad);
            break;
        case 1: /* half a line, which is counted */
            stream_write_text(bad, "half a li");
            close(bad);
            break;
        case 2: /* a reset in the middle of replies */
            for (int k = 0; k < 100; k++)
                stream_write_text(bad, "this is echoed while the reset is in transit\n");
            stream_reset(bad);
            break;
        default: /* a line that is too long, and the error is not read */
            send_many(bad, '\xff', 4000);
            stream_reset(bad);
            break;
        }
        stream_write_text(good, "hello\n");
        stream_expect(good, "hello");
    }
    server_await_clients(&server, 1);
    expect_balance("stats", server_ask(&server, "stats"));
    harness_equal("joined", server_stat(&server, "joined"),
                  1 + server_stat(&server, "streams_closed") +
                      server_stat(&server, "streams_slow"));
    server_await_files(&server, files);
    server_stop(&server);
}

Test(system_streams, a_client_that_never_reads_is_disconnected_and_delays_no_other)
{
    enum { ROUNDS = 4000, BYTES = 2000 };
    struct server server = {0};
    char text[BYTES + 1];
    start(&server, "[server]\nstream-buffer = 64k\n[reply]\nmode = none\n");
    int unread = stream_open(tcp(&server)), good = stream_open(tcp(&server));
    int udp = udp_open("127.0.0.1:0");
    udp_send_text(udp, &server.at[0], "");
    server_await_clients(&server, 3);
    memset(text, 'x', BYTES);
    text[BYTES] = '\0';
    int rounds = 0;
    for (; rounds < ROUNDS && server_stat(&server, "streams_slow") == 0; rounds++) {
        snprintf(text, sizeof text, "%d", rounds);
        text[strlen(text)] = 'x';
        ctl_ok(&server, "broadcast", text, NULL);
        udp_expect(udp, &server.at[0], text);
        stream_expect(good, text);
    }
    harness_equal("streams_slow", server_stat(&server, "streams_slow"), 1);
    harness_equal("clients", server_stat(&server, "clients"), 2);
    server_await_log(&server, "streams were closed");
    stream_write_text(good, "still here\n");
    close(unread);
    server_stop(&server);
}

Test(system_streams, a_long_reply_fits_the_smallest_buffer)
{
    enum { LINES = 50, BYTES = 65000 };
    struct server server = {0};
    char *message = malloc(BYTES + 1), *request = malloc(LINES + 1);
    memset(message, 'x', BYTES);
    message[BYTES] = '\0';
    memset(request, '\n', LINES);
    request[LINES] = '\0';
    start(&server,
          harness_format("[server]\nstream-buffer = 4k\n[reply]\nmessage = %s\n", message));
    const char *const names[] = {tcp(&server), local(&server)};
    for (int k = 0; k < 2; k++) {
        int stream = stream_open(names[k]);
        stream_write_text(stream, request);
        for (int i = 0; i < LINES; i++)
            stream_expect(stream, message);
        close(stream);
    }
    harness_equal("streams_slow", server_stat(&server, "streams_slow"), 0);
    free(message);
    free(request);
    server_stop(&server);
}

Test(system_streams, one_client_too_many_gets_an_error_line)
{
    struct server server = {0};
    start(&server, "[server]\nstream-max = 2\n[reply]\nmode = echo\n");
    int first = stream_open(tcp(&server)), second = stream_open(local(&server));
    server_await_clients(&server, 2);
    int third = stream_open(tcp(&server));
    stream_expect(third, "error: too many streams; try again later");
    stream_expect_end(third);
    harness_equal("streams_refused", server_stat(&server, "streams_refused"), 1);
    close(first);
    server_await_clients(&server, 1);
    int fourth = stream_open(tcp(&server));
    stream_write_text(fourth, "hi\n");
    stream_expect(fourth, "hi");
    close(second);
    server_stop(&server);
}

static void allow_few_files(void)
{
    struct rlimit limit = {.rlim_cur = 60, .rlim_max = 60};
    setrlimit(RLIMIT_NOFILE, &limit);
}

Test(system_streams, without_free_descriptors_waiting_clients_are_served_when_others_leave)
{
    enum { CLIENTS = 60 };
    struct server server = {.prepare = allow_few_files};
    int clients[CLIENTS];
    start(&server, "[reply]\nmode = echo\n[clients]\nsweep = 50ms\n");
    server_await_stat(&server, "clients", 0);
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = stream_open(tcp(&server));
    server_await_log(&server, "cannot accept a stream");
    /* The last descriptors are reserved for operators. */
    int second = control_client_open(&server);
    expect(operator_send(second, "status\n", strlen("status\n")), "expected a command to be sent");
    harness_contains("status", operator_answer(second), "ok");
    close(second);
    /* Each client that leaves makes a descriptor free for another one. */
    for (int i = 0; i < CLIENTS; i++) {
        stream_write_text(clients[i], "hi\n");
        stream_expect(clients[i], "hi");
        close(clients[i]);
    }
    server_await_clients(&server, 0);
    harness_equal("joined", server_stat(&server, "joined"), CLIENTS);
    server_stop(&server);
}

Test(system_streams, idle_clients_are_disconnected)
{
    struct server server = {0};
    start(&server, "[server]\nstream-idle = 1s\n[clients]\nsweep = 10ms\n[reply]\nmode = echo\n");
    int by_tcp = stream_open(tcp(&server)), by_path = stream_open(local(&server));
    stream_expect_end(by_tcp);
    stream_expect_end(by_path);
    harness_equal("expired", server_stat(&server, "expired"), 2);
    server_stop(&server);
}

Test(system_streams, allow_and_deny_apply_to_tcp_and_a_reload_changes_them)
{
    struct server server = {0};
    start(&server, "[reply]\nmode = echo\n[admission]\npolicy = open\ndeny = 127.0.0.1\n");
    int by_tcp = stream_open(tcp(&server)), by_path = stream_open(local(&server));
    stream_expect_end(by_tcp);
    stream_write_text(by_path, "hi\n");
    stream_expect(by_path, "hi");
    harness_equal("denied", server_stat(&server, "streams_denied"), 1);

    server_configure(&server, "[reply]\nmode = echo\n[admission]\npolicy = open\n");
    ctl_ok(&server, "reload", NULL);
    by_tcp = stream_open(tcp(&server));
    stream_write_text(by_tcp, "hi\n");
    stream_expect(by_tcp, "hi");
    server_configure(&server, "[reply]\nmode = echo\n[admission]\npolicy = open\nallow = ::/0\n");
    ctl_ok(&server, "reload", NULL);
    stream_expect_end(by_tcp);
    stream_write_text(by_path, "still\n");
    stream_expect(by_path, "still");
    harness_equal("kicked", server_stat(&server, "kicked"), 1);
    server_stop(&server);
}

Test(system_streams, a_stop_disconnects_them_and_removes_the_socket)
{
    struct server server = {0};
    start(&server, "[reply]\nmode = echo\n");
    int by_tcp = stream_open(tcp(&server)), by_path = stream_open(local(&server));
    server_await_clients(&server, 2);
    server_stop(&server);
    stream_expect_end(by_tcp);
    stream_expect_end(by_path);
    expect(access(harness_path("chat"), F_OK) != 0, "expected the socket's file to be gone");
}

Test(system_streams, clients_over_ipv6_are_served_and_named_like_those_over_ipv4)
{
    struct server server = {0};
    server_start(&server, "[reply]\nmode = echo\n", "-l", "tcp:[::1]:0", NULL);
    int stream = stream_open(server.others[0]), other = stream_open(server.others[0]);
    struct endpoint name = {.size = sizeof name.sockaddr};
    getsockname(stream, (struct sockaddr *)&name.sockaddr, &name.size);
    stream_write_text(stream, "hi\n");
    stream_expect(stream, "hi");
    const char *text = harness_format("tcp:%s", endpoint_text(&name));
    harness_contains("clients", ctl_ok(&server, "clients", NULL), text);
    ctl_ok(&server, "kick", text, NULL);
    stream_expect_end(stream);
    stream_write_text(other, "still here\n");
    stream_expect(other, "still here");
    server_stop(&server);
}

Test(system_streams, a_socket_left_by_a_crash_is_replaced)
{
    struct server first = {0}, second = {0};
    start(&first, NULL);
    server_kill(&first);
    expect(access(harness_path("chat"), F_OK) == 0, "expected the socket's file to be left");
    start(&second, "[reply]\nmode = echo\n");
    int stream = stream_open(local(&second));
    stream_write_text(stream, "hi\n");
    stream_expect(stream, "hi");
    server_stop(&second);
}

Test(system_streams, streams_are_served_without_any_udp_listener)
{
    struct server server = {0};
    server_start(&server, "[reply]\nmode = echo\n", "-l", "tcp:127.0.0.1:0", NULL);
    int stream = stream_open(server.others[0]);
    stream_write_text(stream, "hi\n");
    stream_expect(stream, "hi");
    server_stop(&server);
}

Test(system_streams, an_address_that_cannot_be_listened_on_is_reported_with_advice)
{
    struct server first = {0}, second = {0};
    start(&first, NULL);
    struct result result = server_try(&second, NULL, "-l", tcp(&first), NULL);
    expect(result.status != 0, "expected the port to be taken");
    harness_contains("stderr", result.err, "another program uses it");
    result = server_try(&second, NULL, "-l", local(&first), NULL);
    expect(result.status != 0, "expected the path to be taken");
    harness_contains("stderr", result.err, "another program uses it");
    second.socket = harness_path("one");
    result = server_try(&second, NULL, "-l", harness_format("unix:%s", second.socket), NULL);
    expect(result.status != 0, "expected the path to be taken");
    harness_contains("stderr", result.err, "or a unix: listener of this one");
    second.socket = NULL;
    result = server_try(&second, NULL, "-l", "unix:/nowhere/at/all", NULL);
    expect(result.status != 0, "expected no such directory");
    harness_contains("stderr", result.err, "the directory does not exist");
    result = server_try(&second, NULL, "-l", "tcp:192.0.2.1:0", "-t", NULL);
    harness_equal("status of -t", result.status, 78);
    harness_contains("stderr", result.err, "other hosts can reach tcp:192.0.2.1:0");
    server_stop(&first);
}
