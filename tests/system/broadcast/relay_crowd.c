/* Thousands in one room: what each of them hears, and what they leave behind. */

#include "harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

TestSuite(system_relay_crowd, .fini = harness_end, .timeout = 300);

enum {
    TCP = 1000,
    UDP = 1000,
    LOCAL = 10,
    MESSAGES_MAX = 512,
    MESSAGE_BYTES = 2000, /* long, so that one who doesn't read is soon full */
    WORDS = 30,           /* said before anyone listens: a socket's buffer holds them */
    KEPT_KB = 2048,       /* of memory behind them all */
};

struct member {
    int fd;
    bool stream;
    bool gone;
    size_t length; /* of the line that is under way */
    char line[MESSAGE_BYTES + 1];
    uint8_t heard[MESSAGES_MAX]; /* how often each message was heard */
};

struct room {
    struct server server;
    struct member *members;
    size_t count;
    int epoll;
    int deaf;       /* a stream that is never read from */
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
    room->deaf = stream_open(room->server.others[0]);
    for (size_t i = 0; i < tcp; i++)
        add_member(room, stream_open(room->server.others[0]), true);
    for (size_t i = 0; i < local; i++)
        add_member(room, stream_open(room->server.others[1]), true);
    for (size_t i = 0; i < udp; i++) {
        int fd = udp_open("127.0.0.1:0");
        udp_say(fd, &room->server.at[0], "");
        add_member(room, fd, false);
    }
    server_await_clients(&room->server, (int64_t)(1 + tcp + udp + local));
}

static void hear_word(struct room *room, struct member *member, const char *word)
{
    int number = atoi(word + 1);
    expect(word[0] == 'm' && number >= 0 && number < MESSAGES_MAX && strlen(word) == MESSAGE_BYTES,
           "expected a message, not '%s'", word);
    expect(member->heard[number]++ == 0, "message %d was heard twice by one", number);
    room->heard++;
}

static void hear_bytes(struct room *room, struct member *member, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != '\n') {
            expect(member->length < MESSAGE_BYTES, "expected no longer a line");
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
    char word[MESSAGE_BYTES + 2];
    memset(word, 'x', MESSAGE_BYTES);
    word[0] = 'm';
    memcpy(word + 1, harness_format("%05d", number), 5);
    memcpy(word + MESSAGE_BYTES, member->stream ? "\n" : "", 2 - !member->stream);
    if (member->stream)
        stream_say(member->fd, word);
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

/* All are gone: those of UDP say a last word under a ttl that doesn't keep them. */
static void leave_room(struct room *room)
{
    server_configure(&room->server,
                     "[clients]\nttl = 100ms\nsweep = 100ms\n[reply]\nmode = none\n");
    ctl_ok(&room->server, "reload", NULL);
    for (size_t i = 0; i < room->count; i++) {
        struct member *member = &room->members[i];
        if (!member->stream)
            udp_say(member->fd, &room->server.at[0], "");
        if (!member->gone)
            close(member->fd);
    }
    close(room->deaf);
    close(room->epoll);
    free(room->members);
    server_await_clients(&room->server, 0);
}

/* Talks on until the deaf one is cut off; nobody else loses a word by it. */
static void converse_until_cut(struct room *room, int word)
{
    for (; server_stat(&room->server, "streams_slow") == 0; word += WORDS) {
        expect(word + WORDS <= MESSAGES_MAX, "expected the one who never reads to be cut off");
        converse(room, word, WORDS);
    }
    harness_equal("streams_slow", server_stat(&room->server, "streams_slow"), 1);
}

static void start(struct server *server, const char *config)
{
    server_start(server, config, "-l", "127.0.0.1:0", "-l", "tcp:127.0.0.1:0", "-l",
                 harness_format("unix:%s", harness_path("chat")), NULL);
}

static void expect_crowd(const char *config)
{
    struct room room = {.count = 0};
    if (!harness_allow_files(TCP + UDP + 200))
        cr_skip("this host doesn't allow so many open files");
    start(&room.server, config);
    server_await_clients(&room.server, 0);
    int files = server_files(&room.server);
    int64_t before_kb = server_resident_kb(&room.server);

    fill_room(&room, TCP, UDP, LOCAL);
    converse(&room, 0, WORDS);
    expect_balance("stats", server_ask(&room.server, "stats"));
    kill_half(&room, TCP / 2);
    /* Those of streams are known to be gone; those of UDP are silent, as far as anyone can tell. */
    converse(&room, WORDS, WORDS);
    converse_until_cut(&room, 2 * WORDS);
    harness_equal("relay_dropped", server_stat(&room.server, "relay_dropped"), 0);
    harness_equal("copies_failed", server_stat(&room.server, "copies_failed"), 0);
    expect_balance("stats", server_ask(&room.server, "stats"));

    leave_room(&room);
    server_await_files(&room.server, files);
    int64_t after_kb = server_resident_kb(&room.server);
    expect(harness_sanitized() || after_kb < before_kb + KEPT_KB,
           "expected %d kB of memory or so, not %d", (int)before_kb, (int)after_kb);
    server_stop(&room.server);
}

static const char CROWD[] = "[server]\nstream-max = 2000\nstream-buffer = 128k\n"
                            "[reply]\nmode = none\n[broadcast]\nrelay = others\nrelay-rate = 0\n"
                            "[clients]\nttl = 10m\n";

Test(system_relay_crowd, two_thousand_hear_each_word_exactly_once)
{
    expect_crowd(CROWD);
}

Test(system_relay_crowd, two_thousand_hear_each_word_exactly_once_from_four_workers)
{
    expect_crowd(harness_format("[server]\nworkers = 4\n%s", CROWD));
}
