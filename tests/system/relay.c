/* One room for everyone: what one says reaches all others, whichever way they came. */

#include "harness.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

TestSuite(system_relay, .fini = harness_end, .timeout = 300);

static const char ROOM[] = "[reply]\nmode = none\n[broadcast]\nrelay = others\nrelay-rate = 0\n";

static void start(struct server *server, const char *config)
{
    server_start(server, config, "-l", "127.0.0.1:0", "-l", "tcp:127.0.0.1:0", "-l",
                 harness_format("unix:%s", harness_path("chat")), NULL);
}

static void await_clients(struct server *server, int64_t count)
{
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;
    while (server_stat(server, "clients") != count) {
        expect(harness_now_ms() < deadline, "expected %d clients, there are %d", (int)count,
               (int)server_stat(server, "clients"));
        harness_tick(10);
    }
}

Test(system_relay, a_client_of_each_kind_hears_the_others_and_not_itself)
{
    struct server server = {0};
    start(&server, ROOM);
    int udp = udp_open("127.0.0.1:0"), by_tcp = stream_open(server.others[0]),
        by_path = stream_open(server.others[1]);
    udp_say(udp, &server.at[0], "");
    await_clients(&server, 3);

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
    await_clients(&server, 1);
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

Test(system_relay, what_is_over_the_rate_is_answered_and_counted_and_said)
{
    enum { WORDS = 200 };
    struct server server = {0};
    start(&server, "[clients]\nsweep = 10ms\n[reply]\nmode = echo\n[broadcast]\nrelay = others\n"
                   "relay-rate = 5\n");
    int udp = udp_open("127.0.0.1:0"), by_tcp = stream_open(server.others[0]);
    await_clients(&server, 1);
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
    server_await_log(&server, "more than is passed on of one");
    server_stop(&server);
}

/* ---- a crowd ---- */

enum { MESSAGES_MAX = 128 };

struct member {
    int fd;
    bool stream;
    bool gone;
    size_t length; /* of the line that is under way */
    char line[64];
    uint8_t heard[MESSAGES_MAX]; /* how often each message was heard */
};

struct room {
    struct server server;
    struct member *members;
    size_t count;
    int epoll;
    uint64_t heard; /* by all, in all */
};

static void add_member(struct room *room, int fd, bool stream)
{
    struct member *member = &room->members[room->count];
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = room->count};
    *member = (struct member){.fd = fd, .stream = stream};
    expect(epoll_ctl(room->epoll, EPOLL_CTL_ADD, fd, &event) == 0, "expected epoll to watch");
    room->count++;
}

static void fill_room(struct room *room, size_t tcp, size_t udp, size_t local)
{
    room->members = calloc(tcp + udp + local, sizeof *room->members);
    room->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < tcp; i++)
        add_member(room, stream_open(room->server.others[0]), true);
    for (size_t i = 0; i < local; i++)
        add_member(room, stream_open(room->server.others[1]), true);
    for (size_t i = 0; i < udp; i++) {
        int fd = udp_open("127.0.0.1:0");
        udp_say(fd, &room->server.at[0], "");
        add_member(room, fd, false);
    }
    await_clients(&room->server, (int64_t)(tcp + udp + local));
}

static void hear_word(struct room *room, struct member *member, const char *word)
{
    int number = atoi(word + 1);
    expect(word[0] == 'm' && number >= 0 && number < MESSAGES_MAX, "expected a message, not '%s'",
           word);
    expect(member->heard[number]++ == 0, "message %d was heard twice by one", number);
    room->heard++;
}

static void hear_bytes(struct room *room, struct member *member, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        expect(member->length < sizeof member->line - 1, "expected a short line");
        if (bytes[i] != '\n') {
            member->line[member->length++] = bytes[i];
            continue;
        }
        member->line[member->length] = '\0';
        member->length = 0;
        hear_word(room, member, member->line);
    }
}

static void hear(struct room *room, struct member *member)
{
    char bytes[4096];
    ssize_t got;
    while ((got = recv(member->fd, bytes, sizeof bytes - 1, MSG_DONTWAIT)) > 0) {
        bytes[got] = '\0';
        if (member->stream)
            hear_bytes(room, member, bytes, (size_t)got);
        else
            hear_word(room, member, bytes);
    }
    expect(got < 0 && errno == EAGAIN, "expected nobody to be cut off");
}

/* Until so much was heard in all. */
static void await_heard(struct room *room, uint64_t total)
{
    int64_t deadline = harness_now_ms() + 8 * HARNESS_DEADLINE_MS;
    struct epoll_event events[256];
    while (room->heard < total) {
        int count = epoll_wait(room->epoll, events, 256, HARNESS_DEADLINE_MS);
        expect(count > 0 && harness_now_ms() < deadline,
               "expected %lu copies to be heard, it is %lu\n%s", total, room->heard,
               ctl_ok(&room->server, "stats", NULL));
        for (int i = 0; i < count; i++)
            hear(room, &room->members[events[i].data.u64]);
    }
}

static void say_word(struct room *room, struct member *member, int number)
{
    const char *word = harness_format("m%d", number);
    if (member->stream)
        stream_say(member->fd, harness_format("%s\n", word));
    else
        udp_say(member->fd, &room->server.at[0], word);
}

static size_t present(const struct room *room)
{
    size_t count = 0;
    for (size_t i = 0; i < room->count; i++)
        count += !room->members[i].gone;
    return count;
}

/* Some of each kind say something; everyone else hears each word once. */
static void converse(struct room *room, int first, int words)
{
    uint64_t before = room->heard;
    int number = first;
    for (size_t i = 0, step = room->count / (size_t)words; number < first + words; i += step) {
        size_t k = i % room->count;
        while (room->members[k].gone)
            k = (k + 1) % room->count;
        say_word(room, &room->members[k], number++);
        room->members[k].heard[number - 1]++; /* by himself */
    }
    await_heard(room, before + (uint64_t)words * (present(room) - 1));
    for (size_t i = 0; i < room->count; i++)
        for (int k = first; k < first + words; k++)
            expect(room->members[i].gone || room->members[i].heard[k] == 1,
                   "expected word %d to be heard once by %zu, it was %d times", k, i,
                   room->members[i].heard[k]);
}

/* Every second one is gone at once, half of them with a reset. */
static void kill_half(struct room *room, size_t count)
{
    for (size_t i = 0; i < room->count && count > 0; i += 2, count--) {
        struct member *member = &room->members[i];
        member->gone = true;
        if (member->stream && i % 4 == 0)
            stream_reset(member->fd);
        else
            close(member->fd);
    }
}

static void leave_room(struct room *room)
{
    for (size_t i = 0; i < room->count; i++)
        if (!room->members[i].gone)
            close(room->members[i].fd);
    free(room->members);
    close(room->epoll);
}

static void expect_crowd(const char *config)
{
    size_t scale = harness_sanitized() ? 5 : 1;
    size_t tcp = 1000 / scale, udp = 1000 / scale, local = 10;
    struct room room = {.count = 0};
    if (!harness_allow_files(tcp + udp + 200))
        cr_skip("this host doesn't allow so many open files");
    start(&room.server, config);
    fill_room(&room, tcp, udp, local);
    converse(&room, 0, 40);
    expect_balance("stats", server_ask(&room.server, "stats"));

    kill_half(&room, 500 / scale);
    /* Those of streams are known to be gone; those of UDP are silent, as far as anyone can tell. */
    converse(&room, 40, 40);
    harness_equal("relay_dropped", server_stat(&room.server, "relay_dropped"), 0);
    harness_equal("streams_slow", server_stat(&room.server, "streams_slow"), 0);
    expect_balance("stats", server_ask(&room.server, "stats"));
    leave_room(&room);
    server_stop(&room.server);
}

static const char CROWD[] = "[server]\nstream-max = 2000\n"
                            "[reply]\nmode = none\n[broadcast]\nrelay = others\nrelay-rate = 0\n";

Test(system_relay, two_thousand_hear_each_word_exactly_once)
{
    expect_crowd(CROWD);
}

Test(system_relay, two_thousand_hear_each_word_exactly_once_from_four_workers)
{
    expect_crowd(harness_format("[server]\nworkers = 4\n%s", CROWD));
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
    await_clients(&server, LISTENERS + 1);
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
    await_clients(&server, 4);
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
    await_clients(&server, 3);
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
    await_clients(&server, 3);
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
