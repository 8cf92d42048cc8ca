/* The relay: messages of a client reach all other clients, by UDP, TCP and Unix sockets. */

#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_relay, .fini = harness_end, .timeout = 300);

static const char CHAT_CONFIG[] =
    "[reply]\nmode = none\n[broadcast]\nrelay = others\nrelay-rate = 0\n";

static void start(struct server *server, const char *config)
{
    server_start(server, config, "-l", "127.0.0.1:0", "-l", "tcp:127.0.0.1:0", "-l",
                 harness_format("unix:%s", harness_path("chat")), NULL);
}

Test(system_relay, a_client_of_each_kind_receives_from_the_others_and_not_from_itself)
{
    struct server server = {0};
    start(&server, CHAT_CONFIG);
    int udp = udp_open("127.0.0.1:0"), by_tcp = stream_open(server.others[0]),
        by_path = stream_open(server.others[1]);
    udp_send_text(udp, &server.at[0], "");
    server_await_clients(&server, 3);

    udp_send_text(udp, &server.at[0], "from udp");
    stream_expect(by_tcp, "from udp");
    stream_expect(by_path, "from udp");
    stream_write_text(by_tcp, "from tcp\n");
    udp_expect(udp, &server.at[0], "from tcp");
    stream_expect(by_path, "from tcp");
    stream_write_text(by_path, "from unix\n");
    udp_expect(udp, &server.at[0], "from unix");
    stream_expect(by_tcp, "from unix");

    udp_expect_nothing(udp, "the sender gets no copy");
    stream_expect_nothing(by_tcp, "the sender gets no copy");
    stream_expect_nothing(by_path, "the sender gets no copy");
    harness_equal("relayed", server_stat(&server, "relayed"), 3);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_relay, messages_up_to_a_leave_frame_are_relayed_and_a_later_one_joins_again)
{
    struct server server = {0};
    start(&server, CHAT_CONFIG);
    int udp = udp_open("127.0.0.1:0"), by_tcp = stream_open(server.others[0]);
    udp_send_text(udp, &server.at[0], "");
    server_await_stat(&server, "joined", 2);

    /* The datagrams that wait when the server continues are one batch. */
    process_kill(&server.process, SIGSTOP);
    udp_send_text(udp, &server.at[0], "bye");
    udp_send(udp, &server.at[0], "\0UDP\3", 5);
    udp_send_text(udp, &server.at[0], "one more thing");
    udp_send(udp, &server.at[0], "\0UDP\3", 5);
    process_kill(&server.process, SIGCONT);
    stream_expect(by_tcp, "bye");
    stream_expect(by_tcp, "one more thing");
    server_await_stat(&server, "left", 2);
    harness_equal("silent", server_stat(&server, "silent"), 3);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_relay, all_includes_the_sender_and_a_reload_changes_it)
{
    struct server server = {0};
    start(&server, "[reply]\nmessage = ok\n[broadcast]\nrelay = all\nrelay-rate = 0\n");
    int udp = udp_open("127.0.0.1:0"), by_tcp = stream_open(server.others[0]);
    server_await_clients(&server, 1);
    udp_ask(udp, &server.at[0], "hello", "ok");
    udp_expect(udp, &server.at[0], "hello");
    stream_expect(by_tcp, "hello");
    stream_write_text(by_tcp, "hi\n");
    stream_expect(by_tcp, "ok");
    stream_expect(by_tcp, "hi");
    udp_expect(udp, &server.at[0], "hi");

    server_configure(&server, "[reply]\nmessage = ok\n[broadcast]\nrelay = off\n");
    ctl_ok(&server, "reload", NULL);
    udp_ask(udp, &server.at[0], "anyone?", "ok");
    stream_write_text(by_tcp, "no\n");
    stream_expect(by_tcp, "ok");
    harness_equal("relayed", server_stat(&server, "relayed"), 2);
    stream_expect_nothing(by_tcp, "the relay is off");

    server_configure(&server, "[reply]\nmessage = ok\n[broadcast]\nrelay = others\n");
    ctl_ok(&server, "reload", NULL);
    udp_ask(udp, &server.at[0], "again", "ok");
    stream_expect(by_tcp, "again");
    server_stop(&server);
}

Test(system_relay, with_cookies_nothing_is_relayed_before_the_address_is_verified)
{
    static const char TO_ALL[] = "[admission]\npolicy = cookie\n[reply]\nmode = none\n[broadcast]\n"
                                 "relay = all\nrelay-rate = 0\n";
    struct server server = {0};
    start(&server, TO_ALL);
    int udp = udp_open("127.0.0.1:0"), by_tcp = stream_open(server.others[0]);
    uint8_t frame[64];
    struct endpoint from;
    server_await_clients(&server, 1);

    udp_send_text(udp, &server.at[0], "from nowhere");
    harness_equal("a challenge", udp_receive(udp, frame, sizeof frame, &from), 21);
    stream_expect_nothing(by_tcp, "the source is unverified");
    frame[4] = 2;
    memcpy(frame + 21, "from here", 9);
    udp_send(udp, &server.at[0], frame, 30);
    stream_expect(by_tcp, "from here"); /* without the cookie */
    udp_expect(udp, &server.at[0], "from here");
    udp_send_text(udp, &server.at[0], "and again");
    stream_expect(by_tcp, "and again");
    harness_equal("relayed", server_stat(&server, "relayed"), 2);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_relay, messages_over_the_rate_are_answered_counted_and_logged)
{
    enum { MESSAGES = 200 };
    struct server server = {0};
    start(&server, "[clients]\nsweep = 10ms\n[reply]\nmode = echo\n[broadcast]\nrelay = others\n"
                   "relay-rate = 5\n");
    int udp = udp_open("127.0.0.1:0"), by_tcp = stream_open(server.others[0]);
    server_await_clients(&server, 1);
    for (int i = 0; i < MESSAGES; i++)
        udp_ask(udp, &server.at[0], "word", "word");
    int64_t relayed = server_stat(&server, "relayed"),
            limited = server_stat(&server, "relay_limited");
    harness_equal("relayed and limited", relayed + limited, MESSAGES);
    expect(relayed >= 10 && limited > 0,
           "expected a burst of 10 and then some refusals, not %d, %d", (int)relayed, (int)limited);
    for (int64_t i = 0; i < relayed; i++)
        stream_expect(by_tcp, "word");
    stream_expect_nothing(by_tcp, "the rest was over the rate");
    server_await_log(&server, "more than is relayed for one client");
    server_stop(&server);
}

Test(system_relay, messages_that_do_not_fit_the_ring_are_dropped_counted_and_logged_once)
{
    enum { MESSAGES = 40, BYTES = 60000 };
    static char text[BYTES + 1];
    struct server server = {0};
    start(&server, "[server]\nmax-datagram = 60000\n[clients]\nsweep = 10ms\n[reply]\nmode = none\n"
                   "[broadcast]\nrelay = others\nrelay-rate = 0\nrate = 1\n");
    int sender = udp_open("127.0.0.1:0"), udp = udp_open("127.0.0.1:0");
    udp_send_text(udp, &server.at[0], "");
    server_await_clients(&server, 1);
    memset(text, 'x', BYTES);
    for (int i = 0; i < MESSAGES; i++) {
        udp_send_text(sender, &server.at[0], text);
        server_await_stat(&server, "received", i + 2);
    }
    int64_t relayed = server_stat(&server, "relayed"),
            dropped = server_stat(&server, "relay_dropped");
    harness_equal("relayed and dropped", relayed + dropped, MESSAGES);
    expect(relayed > 0 && dropped > 0, "expected some of either, not %d, %d", (int)relayed,
           (int)dropped);
    server_await_log(&server, "more than can be relayed to all");
    expect(text_count(server_log(&server), "more than can be relayed to all") == 1,
           "expected it to be logged once");
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_relay, messages_of_one_client_stay_in_order_over_four_workers)
{
    enum { RECEIVERS = 16, MESSAGES = 100 };
    struct server server = {0};
    int receivers[RECEIVERS];
    start(&server, harness_format("[server]\nworkers = 4\n%s", CHAT_CONFIG));
    int by_tcp = stream_open(server.others[0]), sender = udp_open("127.0.0.1:0");
    for (int i = 0; i < RECEIVERS; i++) {
        receivers[i] = udp_open("127.0.0.1:0");
        udp_send_text(receivers[i], &server.at[0], "");
    }
    server_await_clients(&server, RECEIVERS + 1);
    for (int message = 0; message < MESSAGES; message++)
        udp_send_text(sender, &server.at[0], harness_format("word %d", message));
    for (int message = 0; message < MESSAGES; message++) {
        const char *text = harness_format("word %d", message);
        stream_expect(by_tcp, text);
        for (int i = 0; i < RECEIVERS; i++)
            udp_expect(receivers[i], &server.at[0], text);
    }
    udp_expect_nothing(sender, "the sender gets no copy");
    server_stop(&server);
}

Test(system_relay, stops_in_the_middle_of_a_conversation)
{
    enum { SENDERS = 64 };
    const char *const workers[] = {"1", "4"};
    for (int k = 0; k < 2; k++) {
        struct server server = {0};
        int senders[SENDERS];
        start(&server, harness_format("[server]\nworkers = %s\n%s", workers[k], CHAT_CONFIG));
        for (int i = 0; i < SENDERS; i++)
            senders[i] = i % 2 == 0 ? stream_open(server.others[0]) : udp_open("127.0.0.1:0");
        for (int message = 0; message < 50; message++)
            for (int i = 0; i < SENDERS; i++) {
                if (i % 2 == 0)
                    stream_write_text(senders[i], "a word\n");
                else
                    udp_send_text(senders[i], &server.at[0], "a word");
            }
        server_stop(&server);
        for (int i = 0; i < SENDERS; i++)
            close(senders[i]);
    }
}

Test(system_relay, a_client_that_never_reads_does_not_delay_the_others)
{
    enum { MESSAGES = 60, LINES = 8000 };
    struct server server = {0};
    char text[1001];
    start(&server, "[server]\nstream-buffer = 64k\n[reply]\nmode = none\n[broadcast]\n"
                   "relay = others\nrelay-rate = 0\n");
    int unread = stream_open(server.others[0]), by_tcp = stream_open(server.others[0]),
        by_path = stream_open(server.others[1]), udp = udp_open("127.0.0.1:0");
    udp_send_text(udp, &server.at[0], "");
    server_await_clients(&server, 4);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    int sent = 0;
    for (; sent < LINES && server_stat(&server, "streams_slow") == 0; sent++) {
        udp_send_text(udp, &server.at[0], text);
        stream_expect(by_tcp, text);
        stream_expect(by_path, text);
    }
    harness_equal("streams_slow", server_stat(&server, "streams_slow"), 1);
    harness_equal("relayed", server_stat(&server, "relayed"), sent);
    server_await_clients(&server, 3);
    close(unread);
    server_stop(&server);
}

/* ---- a chat of other programs ---- */

/* Two threads over one TCP connection: one sends its input, the other prints what it receives. */
static const char CHAT_PROGRAM[] =
    "import socket, sys, threading\n"
    "chat = socket.create_connection(sys.argv[1].rsplit(':', 1))\n"
    "def listen():\n"
    "    for line in chat.makefile('r'): print(line, end='', flush=True)\n"
    "threading.Thread(target=listen, daemon=True).start()\n"
    "for line in sys.stdin: chat.sendall(line.encode())\n";

static void start_program(struct process *process, const char *const *argv)
{
    process_start(process, NULL, argv);
}

Test(system_relay, python_ncat_and_socat_chat_with_each_other)
{
    struct server server = {0};
    struct process python = {0}, ncat = {0}, socat = {0}, udp = {0};
    start(&server, CHAT_CONFIG);
    const char *address = server.others[0] + strlen("tcp:");
    const char *port = strrchr(address, ':') + 1;
    start_program(&python, (const char *const[]){"python3", "-c", CHAT_PROGRAM, address, NULL});
    start_program(&ncat, (const char *const[]){"ncat", "127.0.0.1", port, NULL});
    start_program(&socat,
                  (const char *const[]){
                      "socat", "-", harness_format("UNIX-CONNECT:%s", harness_path("chat")), NULL});
    server_await_clients(&server, 3);
    start_program(&udp,
                  (const char *const[]){"ncat", "-u", "127.0.0.1",
                                        harness_format("%u", endpoint_port(&server.at[0])), NULL});
    process_write(&udp, "hello from ncat by UDP\n");
    process_await_text(&python, "hello from ncat by UDP");
    process_await_text(&ncat, "hello from ncat by UDP");
    process_await_text(&socat, "hello from ncat by UDP");
    process_write(&python, "hello from Python\n");
    process_await_text(&ncat, "hello from Python\n");
    process_await_text(&socat, "hello from Python\n");
    process_await_text(&udp, "hello from Python");
    process_write(&socat, "hello from socat\n");
    process_await_text(&python, "hello from socat\n");
    process_await_text(&ncat, "hello from socat\n");
    process_write(&ncat, "hello from ncat\n");
    process_await_text(&python, "hello from ncat\n");
    process_await_text(&socat, "hello from ncat\n");
    expect(strstr(python.texts[0].data, "hello from Python") == NULL, "the sender gets no copy");
    process_kill(&udp, 9);
    process_kill(&python, 9);
    process_kill(&ncat, 9);
    process_kill(&socat, 9);
    server_stop(&server);
}
