/* The relay with thousands of clients: each gets each message exactly once, and no memory or
 * descriptor is leaked. */

#include "harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

TestSuite(system_relay_many_clients, .fini = harness_end, .timeout = 300);

enum {
    TCP = 1000,
    UDP = 1000,
    LOCAL = 10,
    MESSAGES_MAX = 512,
    MESSAGE_BYTES = 2000, /* long, so that the buffer of a client that does not read is soon full */
    MESSAGES = 30,        /* sent before any client reads: the buffer of a socket holds them */
    KEPT_KB = 2048,       /* of memory that may still be in use after all clients have left */
};

struct member {
    int fd;
    bool stream;
    bool left;
    size_t length; /* of the incomplete line */
    char line[MESSAGE_BYTES + 1];
    uint8_t received[MESSAGES_MAX]; /* how often each message was received */
};

struct relay_clients {
    struct server server;
    struct member *members;
    size_t count;
    int epoll;
    int unread;        /* a stream that is never read from */
    uint64_t received; /* copies, by all clients */
};

static void add_member(struct relay_clients *clients, int fd, bool stream)
{
    struct member *member = &clients->members[clients->count];
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = clients->count};
    *member = (struct member){.fd = fd, .stream = stream};
    expect(epoll_ctl(clients->epoll, EPOLL_CTL_ADD, fd, &event) == 0, "expected epoll to watch");
    clients->count++;
}

static void add_members(struct relay_clients *clients, size_t tcp, size_t udp, size_t local)
{
    clients->members = calloc(tcp + udp + local, sizeof *clients->members);
    clients->epoll = epoll_create1(EPOLL_CLOEXEC);
    clients->unread = stream_open(clients->server.others[0]);
    for (size_t i = 0; i < tcp; i++)
        add_member(clients, stream_open(clients->server.others[0]), true);
    for (size_t i = 0; i < local; i++)
        add_member(clients, stream_open(clients->server.others[1]), true);
    for (size_t i = 0; i < udp; i++) {
        int fd = udp_open("127.0.0.1:0");
        udp_send_text(fd, &clients->server.at[0], "");
        add_member(clients, fd, false);
    }
    server_await_clients(&clients->server, (int64_t)(1 + tcp + udp + local));
}

static void receive_message(struct relay_clients *clients, struct member *member,
                            const char *message)
{
    int number = atoi(message + 1);
    expect(message[0] == 'm' && number >= 0 && number < MESSAGES_MAX &&
               strlen(message) == MESSAGE_BYTES,
           "expected a message, not '%s'", message);
    expect(member->received[number]++ == 0, "one client received message %d twice", number);
    clients->received++;
}

static void receive_bytes(struct relay_clients *clients, struct member *member, const char *bytes,
                          size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != '\n') {
            expect(member->length < MESSAGE_BYTES, "expected a shorter line");
            member->line[member->length++] = bytes[i];
            continue;
        }
        member->line[member->length] = '\0';
        member->length = 0;
        receive_message(clients, member, member->line);
    }
}

static void receive_all(struct relay_clients *clients, struct member *member)
{
    char bytes[4096];
    ssize_t got;
    while ((got = recv(member->fd, bytes, sizeof bytes - 1, MSG_DONTWAIT)) > 0) {
        bytes[got] = '\0';
        if (member->stream)
            receive_bytes(clients, member, bytes, (size_t)got);
        else
            receive_message(clients, member, bytes);
    }
    expect(got < 0 && errno == EAGAIN, "expected no client to be disconnected");
}

/* Receives until the clients have so many copies in total. */
static void await_received(struct relay_clients *clients, uint64_t total)
{
    int64_t deadline = harness_now_ms() + 8 * HARNESS_DEADLINE_MS;
    struct epoll_event events[256];
    while (clients->received < total) {
        int count = epoll_wait(clients->epoll, events, 256, HARNESS_DEADLINE_MS);
        expect(count > 0 && harness_now_ms() < deadline,
               "expected %lu copies to be received, not %lu\n%s", total, clients->received,
               ctl_ok(&clients->server, "stats", NULL));
        for (int i = 0; i < count; i++)
            receive_all(clients, &clients->members[events[i].data.u64]);
    }
}

static void send_message(struct relay_clients *clients, struct member *member, int number)
{
    char message[MESSAGE_BYTES + 2];
    memset(message, 'x', MESSAGE_BYTES);
    message[0] = 'm';
    memcpy(message + 1, harness_format("%05d", number), 5);
    memcpy(message + MESSAGE_BYTES, member->stream ? "\n" : "", 2 - !member->stream);
    if (member->stream)
        stream_write_text(member->fd, message);
    else
        udp_send_text(member->fd, &clients->server.at[0], message);
}

static size_t present(const struct relay_clients *clients)
{
    size_t count = 0;
    for (size_t i = 0; i < clients->count; i++)
        count += !clients->members[i].left;
    return count;
}

/* Some clients of each kind send messages; all other clients receive each of them once. */
static void send_messages(struct relay_clients *clients, int first, int messages)
{
    uint64_t before = clients->received;
    int number = first;
    for (size_t i = 0, step = clients->count / (size_t)messages; number < first + messages;
         i += step) {
        size_t k = i % clients->count;
        while (clients->members[k].left)
            k = (k + 1) % clients->count;
        send_message(clients, &clients->members[k], number++);
        clients->members[k].received[number - 1]++; /* by its sender, for the check below */
    }
    await_received(clients, before + (uint64_t)messages * (present(clients) - 1));
    for (size_t i = 0; i < clients->count; i++)
        for (int k = first; k < first + messages; k++)
            expect(clients->members[i].left || clients->members[i].received[k] == 1,
                   "expected message %d to be received once by client %zu, not %d times", k, i,
                   clients->members[i].received[k]);
}

/* Every second client closes at once, half of them with a reset. */
static void kill_half(struct relay_clients *clients, size_t count)
{
    for (size_t i = 0; i < clients->count && count > 0; i += 2, count--) {
        struct member *member = &clients->members[i];
        member->left = true;
        if (member->stream && i % 4 == 0)
            stream_reset(member->fd);
        else
            close(member->fd);
    }
}

/* All clients leave: those of UDP send a last datagram with a short ttl, and expire. */
static void remove_members(struct relay_clients *clients)
{
    server_configure(&clients->server,
                     "[clients]\nttl = 100ms\nsweep = 100ms\n[reply]\nmode = none\n");
    ctl_ok(&clients->server, "reload", NULL);
    for (size_t i = 0; i < clients->count; i++) {
        struct member *member = &clients->members[i];
        if (!member->stream)
            udp_send_text(member->fd, &clients->server.at[0], "");
        if (!member->left)
            close(member->fd);
    }
    close(clients->unread);
    close(clients->epoll);
    free(clients->members);
    server_await_clients(&clients->server, 0);
}

/* Sends messages until the client that never reads is disconnected; no other one loses a message.
 */
static void send_until_disconnected(struct relay_clients *clients, int message)
{
    for (; server_stat(&clients->server, "streams_slow") == 0; message += MESSAGES) {
        expect(message + MESSAGES <= MESSAGES_MAX,
               "expected the client that never reads to be disconnected");
        send_messages(clients, message, MESSAGES);
    }
    harness_equal("streams_slow", server_stat(&clients->server, "streams_slow"), 1);
}

static void start(struct server *server, const char *config)
{
    server_start(server, config, "-l", "127.0.0.1:0", "-l", "tcp:127.0.0.1:0", "-l",
                 harness_format("unix:%s", harness_path("chat")), NULL);
}

static void run_with(const char *config)
{
    struct relay_clients clients = {.count = 0};
    if (!harness_raise_file_limit(TCP + UDP + 200))
        cr_skip("this host doesn't allow so many open files");
    start(&clients.server, config);
    server_await_clients(&clients.server, 0);
    int files = server_files(&clients.server);
    int64_t before_kb = server_resident_kb(&clients.server);

    add_members(&clients, TCP, UDP, LOCAL);
    send_messages(&clients, 0, MESSAGES);
    expect_balance("stats", server_ask(&clients.server, "stats"));
    kill_half(&clients, TCP / 2);
    /* The server knows that the closed streams are gone; the closed UDP clients stay registered. */
    send_messages(&clients, MESSAGES, MESSAGES);
    send_until_disconnected(&clients, 2 * MESSAGES);
    harness_equal("relay_dropped", server_stat(&clients.server, "relay_dropped"), 0);
    harness_equal("copies_failed", server_stat(&clients.server, "copies_failed"), 0);
    expect_balance("stats", server_ask(&clients.server, "stats"));

    remove_members(&clients);
    server_await_files(&clients.server, files);
    int64_t after_kb = server_resident_kb(&clients.server);
    expect(harness_sanitized() || after_kb < before_kb + KEPT_KB,
           "expected %d kB of memory or so, not %d", (int)before_kb, (int)after_kb);
    server_stop(&clients.server);
}

static const char CONFIG[] = "[server]\nstream-max = 2000\nstream-buffer = 128k\n"
                             "[reply]\nmode = none\n[broadcast]\nrelay = others\nrelay-rate = 0\n"
                             "[clients]\nttl = 10m\n";

Test(system_relay_many_clients, two_thousand_clients_receive_each_message_exactly_once)
{
    run_with(CONFIG);
}

Test(system_relay_many_clients,
     two_thousand_clients_receive_each_message_exactly_once_from_four_workers)
{
    run_with(harness_format("[server]\nworkers = 4\n%s", CONFIG));
}
