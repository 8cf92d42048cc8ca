/* One room for everyone: what one says reaches all others, whichever way they came. */

#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_relay, .fini = harness_end, .timeout = 300);

static const char ROOM[] = "[reply]\nmode = none\n[broadcast]\nrelay = others\nrelay-rate = 0\n";

static void start(struct server *server, const char *config)
{
    server_start(server, config, "-l", "127.0.0.1:0", "-l", "tcp:127.0.0.1:0", "-l",
                 harness_format("unix:%s", harness_path("chat")), NULL);
}

Test(system_relay, a_client_of_each_kind_hears_the_others_and_not_itself)
{
    struct server server = {0};
    start(&server, ROOM);
    int udp = udp_open("127.0.0.1:0"), by_tcp = stream_open(server.others[0]),
        by_path = stream_open(server.others[1]);
    udp_say(udp, &server.at[0], "");
    server_await_clients(&server, 3);

    udp_say(udp, &server.at[0], "from udp");
    stream_expect(by_tcp, "from udp");
    stream_expect(by_path, "from udp");
    stream_say(by_tcp, "from tcp\n");
    udp_expect(udp, &server.at[0], "from tcp");
    stream_expect(by_path, "from tcp");
    stream_say(by_path, "from unix\n");
    udp_expect(udp, &server.at[0], "from unix");
    stream_expect(by_tcp, "from unix");

    udp_expect_nothing(udp, "nobody hears himself");
    stream_expect_nothing(by_tcp, "nobody hears himself");
    stream_expect_nothing(by_path, "nobody hears himself");
    harness_equal("relayed", server_stat(&server, "relayed"), 3);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_relay, who_leaves_is_heard_to_the_last_word_and_no_further)
{
    struct server server = {0};
    start(&server, ROOM);
    int udp = udp_open("127.0.0.1:0"), by_tcp = stream_open(server.others[0]);
    udp_say(udp, &server.at[0], "");
    server_await_stat(&server, "joined", 2);

    /* What waits when it wakes up is one batch. */
    process_kill(&server.process, SIGSTOP);
    udp_say(udp, &server.at[0], "bye");
    udp_send(udp, &server.at[0], "\0UDP\3", 5);
    udp_say(udp, &server.at[0], "one more thing");
    udp_send(udp, &server.at[0], "\0UDP\3", 5);
    process_kill(&server.process, SIGCONT);
    stream_expect(by_tcp, "bye");
    stream_expect(by_tcp, "one more thing");
    server_await_stat(&server, "left", 2);
    harness_equal("silent", server_stat(&server, "silent"), 3);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_relay, all_means_the_speaker_too_and_a_reload_changes_it)
{
    struct server server = {0};
    start(&server, "[reply]\nmessage = ok\n[broadcast]\nrelay = all\nrelay-rate = 0\n");
    int udp = udp_open("127.0.0.1:0"), by_tcp = stream_open(server.others[0]);
    server_await_clients(&server, 1);
    udp_ask(udp, &server.at[0], "hello", "ok");
    udp_expect(udp, &server.at[0], "hello");
    stream_expect(by_tcp, "hello");
    stream_say(by_tcp, "hi\n");
    stream_expect(by_tcp, "ok");
    stream_expect(by_tcp, "hi");
    udp_expect(udp, &server.at[0], "hi");

    server_configure(&server, "[reply]\nmessage = ok\n[broadcast]\nrelay = off\n");
    ctl_ok(&server, "reload", NULL);
    udp_ask(udp, &server.at[0], "anyone?", "ok");
    stream_say(by_tcp, "no\n");
    stream_expect(by_tcp, "ok");
    harness_equal("relayed", server_stat(&server, "relayed"), 2);
    stream_expect_nothing(by_tcp, "the relay is off");

    server_configure(&server, "[reply]\nmessage = ok\n[broadcast]\nrelay = others\n");
    ctl_ok(&server, "reload", NULL);
    udp_ask(udp, &server.at[0], "again", "ok");
    stream_expect(by_tcp, "again");
    server_stop(&server);
}

Test(system_relay, where_addresses_are_proven_nobody_is_heard_before)
{
    static const char TO_ALL[] = "[admission]\npolicy = cookie\n[reply]\nmode = none\n[broadcast]\n"
                                 "relay = all\nrelay-rate = 0\n";
    struct server server = {0};
    start(&server, TO_ALL);
    int udp = udp_open("127.0.0.1:0"), by_tcp = stream_open(server.others[0]);
    uint8_t frame[64];
    struct endpoint from;
    server_await_clients(&server, 1);

    udp_say(udp, &server.at[0], "from nowhere");
    harness_equal("a challenge", udp_receive(udp, frame, sizeof frame, &from), 21);
    stream_expect_nothing(by_tcp, "a stranger's word");
    frame[4] = 2;
    memcpy(frame + 21, "from here", 9);
    udp_send(udp, &server.at[0], frame, 30);
    stream_expect(by_tcp, "from here"); /* without the cookie */
    udp_expect(udp, &server.at[0], "from here");
    udp_say(udp, &server.at[0], "and again");
    stream_expect(by_tcp, "and again");
    harness_equal("relayed", server_stat(&server, "relayed"), 2);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_relay, what_is_over_the_rate_is_answered_and_counted_and_said)
{
    enum { WORDS = 200 };
    struct server server = {0};
    start(&server, "[clients]\nsweep = 10ms\n[reply]\nmode = echo\n[broadcast]\nrelay = others\n"
                   "relay-rate = 5\n");
    int udp = udp_open("127.0.0.1:0"), by_tcp = stream_open(server.others[0]);
    server_await_clients(&server, 1);
    for (int i = 0; i < WORDS; i++)
        udp_ask(udp, &server.at[0], "word", "word");
    int64_t relayed = server_stat(&server, "relayed"),
            limited = server_stat(&server, "relay_limited");
    harness_equal("relayed and limited", relayed + limited, WORDS);
    expect(relayed >= 10 && limited > 0,
           "expected a burst of 10 and then some refusals, not %d, %d", (int)relayed, (int)limited);
    for (int64_t i = 0; i < relayed; i++)
        stream_expect(by_tcp, "word");
    stream_expect_nothing(by_tcp, "the rest was over the rate");
    server_await_log(&server, "more than is relayed for one client");
    server_stop(&server);
}

Test(system_relay, what_nobody_has_room_for_is_dropped_and_counted_and_said_once)
{
    enum { WORDS = 40, BYTES = 60000 };
    static char text[BYTES + 1];
    struct server server = {0};
    start(&server, "[server]\nmax-datagram = 60000\n[clients]\nsweep = 10ms\n[reply]\nmode = none\n"
                   "[broadcast]\nrelay = others\nrelay-rate = 0\nrate = 1\n");
    int speaker = udp_open("127.0.0.1:0"), udp = udp_open("127.0.0.1:0");
    udp_say(udp, &server.at[0], "");
    server_await_clients(&server, 1);
    memset(text, 'x', BYTES);
    for (int i = 0; i < WORDS; i++) {
        udp_say(speaker, &server.at[0], text);
        server_await_stat(&server, "received", i + 2);
    }
    int64_t relayed = server_stat(&server, "relayed"),
            dropped = server_stat(&server, "relay_dropped");
    harness_equal("relayed and dropped", relayed + dropped, WORDS);
    expect(relayed > 0 && dropped > 0, "expected some of either, not %d, %d", (int)relayed,
           (int)dropped);
    server_await_log(&server, "more than can be relayed to all");
    expect(text_count(server_log(&server), "more than can be relayed to all") == 1,
           "expected it to be said once");
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_relay, what_one_says_stays_in_order_over_four_workers)
{
    enum { LISTENERS = 16, WORDS = 100 };
    struct server server = {0};
    int listeners[LISTENERS];
    start(&server, harness_format("[server]\nworkers = 4\n%s", ROOM));
    int by_tcp = stream_open(server.others[0]), speaker = udp_open("127.0.0.1:0");
    for (int i = 0; i < LISTENERS; i++) {
        listeners[i] = udp_open("127.0.0.1:0");
        udp_say(listeners[i], &server.at[0], "");
    }
    server_await_clients(&server, LISTENERS + 1);
    for (int word = 0; word < WORDS; word++)
        udp_say(speaker, &server.at[0], harness_format("word %d", word));
    for (int word = 0; word < WORDS; word++) {
        const char *text = harness_format("word %d", word);
        stream_expect(by_tcp, text);
        for (int i = 0; i < LISTENERS; i++)
            udp_expect(listeners[i], &server.at[0], text);
    }
    udp_expect_nothing(speaker, "nobody hears himself");
    server_stop(&server);
}

Test(system_relay, stops_in_the_middle_of_a_conversation)
{
    enum { SPEAKERS = 64 };
    const char *const workers[] = {"1", "4"};
    for (int k = 0; k < 2; k++) {
        struct server server = {0};
        int speakers[SPEAKERS];
        start(&server, harness_format("[server]\nworkers = %s\n%s", workers[k], ROOM));
        for (int i = 0; i < SPEAKERS; i++)
            speakers[i] = i % 2 == 0 ? stream_open(server.others[0]) : udp_open("127.0.0.1:0");
        for (int word = 0; word < 50; word++)
            for (int i = 0; i < SPEAKERS; i++) {
                if (i % 2 == 0)
                    stream_say(speakers[i], "a word\n");
                else
                    udp_say(speakers[i], &server.at[0], "a word");
            }
        server_stop(&server);
        for (int i = 0; i < SPEAKERS; i++)
            close(speakers[i]);
    }
}

Test(system_relay, one_who_never_reads_costs_the_others_nothing)
{
    enum { WORDS = 60, LINES = 8000 };
    struct server server = {0};
    char text[1001];
    start(&server, "[server]\nstream-buffer = 64k\n[reply]\nmode = none\n[broadcast]\n"
                   "relay = others\nrelay-rate = 0\n");
    int deaf = stream_open(server.others[0]), by_tcp = stream_open(server.others[0]),
        by_path = stream_open(server.others[1]), udp = udp_open("127.0.0.1:0");
    udp_say(udp, &server.at[0], "");
    server_await_clients(&server, 4);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    int said = 0;
    for (; said < LINES && server_stat(&server, "streams_slow") == 0; said++) {
        udp_say(udp, &server.at[0], text);
        stream_expect(by_tcp, text);
        stream_expect(by_path, text);
    }
    harness_equal("streams_slow", server_stat(&server, "streams_slow"), 1);
    harness_equal("relayed", server_stat(&server, "relayed"), said);
    server_await_clients(&server, 3);
    close(deaf);
    server_stop(&server);
}

/* ---- the chat of the notes, with programs that know nothing of ours ---- */

/* Two threads over one TCP connection, as the notes have it: one says what is typed, the other
 * prints what comes. Each line ends in a newline, since a stream has no other borders. */
static const char CHAT[] = "import socket, sys, threading\n"
                           "room = socket.create_connection(sys.argv[1].rsplit(':', 1))\n"
                           "def listen():\n"
                           "    for line in room.makefile('r'): print(line, end='', flush=True)\n"
                           "threading.Thread(target=listen, daemon=True).start()\n"
                           "for line in sys.stdin: room.sendall(line.encode())\n";

static void start_program(struct process *process, const char *const *argv)
{
    process_start(process, NULL, argv);
}

Test(system_relay, python_ncat_and_socat_chat_with_each_other)
{
    struct server server = {0};
    struct process python = {0}, ncat = {0}, socat = {0}, udp = {0};
    start(&server, ROOM);
    const char *address = server.others[0] + strlen("tcp:");
    const char *port = strrchr(address, ':') + 1;
    start_program(&python, (const char *const[]){"python3", "-c", CHAT, address, NULL});
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
    expect(strstr(python.texts[0].data, "hello from Python") == NULL, "nobody hears himself");
    process_kill(&udp, 9);
    process_kill(&python, 9);
    process_kill(&ncat, 9);
    process_kill(&socat, 9);
    server_stop(&server);
}
