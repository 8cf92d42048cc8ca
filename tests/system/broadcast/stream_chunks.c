/* Stream clients under stream-framing = chunk: what one read brings is a message. */

#include "harness.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(system_stream_chunks, .fini = harness_end, .timeout = 60);

/* A server with a UDP, a TCP and a Unix listener, and chunks. */
static void start(struct server *server, const char *config)
{
    server_start(server, harness_format("[server]\nstream-framing = chunk\n%s", config), "-l",
                 "127.0.0.1:0", "-l", "tcp:127.0.0.1:0", "-l",
                 harness_format("unix:%s", harness_path("chat")), NULL);
    harness_equal("streams", (int64_t)server->other_count, 2);
}

Test(system_stream_chunks, a_message_comes_and_goes_as_it_is)
{
    struct server server = {0};
    start(&server, "[reply]\nmessage = one, \"two\\nlines\\n\"\n");
    int udp = udp_open("127.0.0.1:0");
    int by_tcp = stream_open(server.others[0]), by_path = stream_open(server.others[1]);
    stream_write_text(by_tcp, "hi");
    stream_expect_bytes(by_tcp, "one");
    stream_write_text(by_path, "ho\nhu\n");
    stream_expect_bytes(by_path, "two\nlines\n");
    udp_ask(udp, &server.at[0], "hi", "one");
    stream_write_text(by_tcp, "\n");
    stream_expect_bytes(by_tcp, "two\nlines\n");
    expect_balance("stats", server_ask(&server, "stats"));
    harness_equal("received", server_stat(&server, "received"), 4);
    harness_equal("replied", server_stat(&server, "replied"), 4);
    harness_contains("a client", ctl_ok(&server, "client", "unix:#1", "--json", NULL),
                     "\"received\":1");
    stream_expect_nothing(by_tcp, "each message has one reply");
    stream_expect_nothing(by_path, "each message has one reply");
    server_stop(&server);
}

Test(system_stream_chunks, an_echo_has_every_byte)
{
    struct server server = {0};
    start(&server, "[reply]\nmode = echo\n");
    for (int i = 0; i < 2; i++) {
        static const char bytes[] = "a\r\n\0b\n";
        char received[sizeof bytes] = {0};
        int stream = stream_open(server.others[i]);
        cr_assert_eq(send(stream, bytes, sizeof bytes - 1, MSG_NOSIGNAL), sizeof bytes - 1);
        cr_assert_eq(recv(stream, received, sizeof bytes - 1, MSG_WAITALL), sizeof bytes - 1);
        cr_assert_arr_eq(received, bytes, sizeof bytes - 1);
    }
    server_stop(&server);
}

Test(system_stream_chunks, clients_of_every_kind_exchange_messages_as_they_are)
{
    struct server server = {0};
    start(&server, "workers = 4\n[reply]\nmode = none\n[broadcast]\nrelay = all\nrelay-rate = 0\n");
    int udp = udp_open("127.0.0.1:0");
    int by_tcp = stream_open(server.others[0]), by_path = stream_open(server.others[1]);
    server_await_clients(&server, 2);
    udp_send_text(udp, &server.at[0], "from\nUDP");
    stream_expect_bytes(by_tcp, "from\nUDP");
    stream_expect_bytes(by_path, "from\nUDP");
    udp_expect(udp, &server.at[0], "from\nUDP");
    stream_write_text(by_tcp, "from TCP\n");
    stream_expect_bytes(by_tcp, "from TCP\n");
    stream_expect_bytes(by_path, "from TCP\n");
    udp_expect(udp, &server.at[0], "from TCP\n");
    stream_write_text(by_path, "from a path");
    stream_expect_bytes(by_tcp, "from a path");
    stream_expect_bytes(by_path, "from a path");
    udp_expect(udp, &server.at[0], "from a path");
    stream_expect_nothing(by_tcp, "each message comes once");
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_stream_chunks, the_operators_messages_arrive_as_they_are)
{
    struct server server = {0};
    start(&server, "[reply]\nmode = none\n");
    int by_tcp = stream_open(server.others[0]), by_path = stream_open(server.others[1]);
    server_await_clients(&server, 2);
    const char *report = ctl_ok(&server, "broadcast", "good\nnews", "--json", NULL);
    harness_equal("sent", json_integer(report, "sent"), 2);
    stream_expect_bytes(by_tcp, "good\nnews");
    stream_expect_bytes(by_path, "good\nnews");
    /* An empty message has no byte, and counts as sent. */
    report = ctl_ok(&server, "broadcast", "", "--json", NULL);
    harness_equal("sent", json_integer(report, "sent"), 2);
    report = ctl_ok(&server, "send", "unix:#1", "only\nyou", "--json", NULL);
    harness_equal("sent", json_integer(report, "sent"), 1);
    stream_expect_bytes(by_path, "only\nyou");
    stream_expect_nothing(by_tcp, "nothing was sent to it");
    ctl_ok(&server, "kick", "unix:#1", NULL);
    stream_expect_end(by_path);
    server_stop(&server);
}

Test(system_stream_chunks, a_message_too_long_is_dropped_and_the_client_stays)
{
    char text[102];
    struct server server = {0};
    start(&server, "max-datagram = 100\n[reply]\nmode = echo\n");
    memset(text, 'x', sizeof text);
    for (int i = 0; i < 2; i++) {
        int stream = stream_open(server.others[i]);
        text[101] = '\0';
        stream_write_text(stream, text);
        server_await_stat(&server, "drop_oversize", i + 1);
        text[100] = '\0';
        stream_write_text(stream, text);
        stream_expect_bytes(stream, text);
        text[100] = 'x';
    }
    harness_equal("received", server_stat(&server, "received"), 4);
    harness_equal("drop_oversize", server_stat(&server, "drop_oversize"), 2);
    harness_equal("clients", server_stat(&server, "clients"), 2);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_stream_chunks, a_message_that_looks_like_a_frame_is_dropped)
{
    struct server server = {0};
    start(&server, "[reply]\nmode = echo\n");
    int stream = stream_open(server.others[0]);
    cr_assert_eq(send(stream, "\0UDP\4", 5, MSG_NOSIGNAL), 5);
    server_await_stat(&server, "drop_bad_frame", 1);
    stream_write_text(stream, "hi");
    stream_expect_bytes(stream, "hi");
    server_stop(&server);
}

Test(system_stream_chunks, a_client_that_ends_its_input_gets_its_reply_and_then_the_end)
{
    struct server server = {0};
    start(&server, "[reply]\nmode = echo\n");
    for (int i = 0; i < 2; i++) {
        int stream = stream_open(server.others[i]);
        stream_write_text(stream, "last");
        cr_assert_eq(shutdown(stream, SHUT_WR), 0);
        stream_expect_bytes(stream, "last");
        stream_expect_end(stream);
    }
    server_await_clients(&server, 0);
    server_stop(&server);
}

Test(system_stream_chunks, udpcli_prints_messages_without_ends_of_lines_at_the_end)
{
    struct server server = {0};
    start(&server, "[reply]\nmessage = one\n");
    cr_assert_str_eq(run_ok("hi\n", "udpcli", server.others[0], NULL), "one\n");
    server_stop(&server);
}

Test(system_stream_chunks, another_framing_needs_a_restart)
{
    struct server server = {0};
    start(&server, "[reply]\nmode = echo\n");
    int stream = stream_open(server.others[0]);
    server_configure(&server, "[reply]\nmode = echo\n");
    harness_contains("the reload", ctl_ok(&server, "reload", NULL), "server.stream-framing");
    stream_write_text(stream, "hi");
    stream_expect_bytes(stream, "hi");
    server_stop(&server);
}
