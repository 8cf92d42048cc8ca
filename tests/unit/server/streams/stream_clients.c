/* The table of stream clients in a loop, and their own ends of the connections. */
#include "server/streams/stream_clients.h"

#include "net/socket/tcp_socket.h"
#include "net/socket/udp_socket.h"
#include "net/socket/unix_socket.h"
#include "os/process/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct loop *loop;
static struct streams *streams;
static struct datagram_decider datagram_decider;
static struct stats stats;
static struct mailbox *mailbox;
static struct registry *registry;
static struct broadcast *broadcast;
static struct relay *relay;
static struct stream_listener first_sockets[2];
static struct addr tcp_at;
static char directory[32], path[64];
static void *memory;
static int last_errno;

enum { LONGEST = 100, BUFFER = 16 << 10, FILES = 4, IDLE_MS = 60000 };

static void open_relay(enum config_relay mode)
{
    static const struct siphash_key key = {1, 2};
    memory = aligned_alloc(64, (registry_bytes(8) + 63) / 64 * 64);
    memset(memory, 0, registry_bytes(8));
    registry = registry_init(memory, 8, &key, 60000, clock_now_ms());
    mailbox = mailbox_new(loop);
    const struct broadcast_options to_all = {.loop = loop,
                                             .registry = registry,
                                             .capacity = 8,
                                             .stats = &stats,
                                             .last_errno = &last_errno};
    cr_assert_eq(broadcast_open(&broadcast, &to_all), 0);
    const struct relay_options options = {
        .registry = registry,
        .capacity = 8,
        .mailbox = mailbox,
        .broadcast = broadcast,
        .stats = &stats,
        .max_message_bytes = LONGEST,
        .worker_count = 1,
    };
    cr_assert_eq(relay_open(&relay, &options), 0);
    relay_set_peers(relay, &relay);
    relay_set(relay, mode, 0);
}

static void open_doors(void)
{
    struct identity nobody = {(uid_t)-1, (gid_t)-1};
    struct addr any = {.family = ADDR_IPV4, .ip = {127, 0, 0, 1}};
    strcpy(directory, "/tmp/streams-XXXXXX");
    cr_assert_not_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/door", directory);
    first_sockets[0] = (struct stream_listener){.socket = unix_socket_listen(path, 0666, &nobody),
                                                .transport = TRANSPORT_UNIX,
                                                .listener = 3};
    first_sockets[1] = (struct stream_listener){
        .socket = tcp_listen(&any, &tcp_at), .transport = TRANSPORT_TCP, .listener = 4};
    cr_assert_geq(first_sockets[0].socket, 0);
    cr_assert_geq(first_sockets[1].socket, 0);
}

static void open_all(uint32_t max, enum reply_mode mode, enum config_relay relay_mode)
{
    static const struct message messages[] = {{(const uint8_t *)"audi", 4},
                                              {(const uint8_t *)"two\nlines", 9}};
    loop = loop_new();
    memset(&stats, 0, sizeof stats);
    open_relay(relay_mode);
    open_doors();
    datagram_decider =
        (struct datagram_decider){.reply = reply_rotation_new(mode, messages, 2), .stats = &stats};
    const struct streams_options options = {
        .loop = loop,
        .datagram_decider = &datagram_decider,
        .relay = relay,
        .stats = &stats,
        .reply_errno = &last_errno,
        .first_sockets = first_sockets,
        .door_count = 2,
        .max = max,
        .files = FILES,
        .buffer_bytes = BUFFER,
        .idle_ms = IDLE_MS,
        .max_line_bytes = LONGEST,
    };
    cr_assert_eq(streams_open(&streams, &options), 0);
    const struct recipients recipients = streams_recipients(streams);
    broadcast_add_recipients(broadcast, &recipients);
}

static void close_all(void)
{
    relay_close(relay);
    broadcast_close(broadcast);
    streams_close(streams);
    mailbox_free(mailbox);
    relay_free(relay);
    free(memory);
    unix_socket_unlisten(first_sockets[0].socket, path);
    socket_close(first_sockets[1].socket);
    reply_rotation_release(datagram_decider.reply);
    loop_free(loop);
    rmdir(directory);
}

TestSuite(stream_clients, .timeout = 20);

static void stop(void *state)
{
    (void)state;
    loop_stop(loop);
}

static void turn(int rounds)
{
    struct loop_task task = {.run = stop};
    while (rounds-- > 0) {
        loop_defer(loop, &task);
        cr_assert_eq(loop_run_until_stopped(loop), 0);
    }
}

static void run_for_ms(uint64_t ms)
{
    struct loop_timer timer;
    cr_assert_eq(loop_timer_open(loop, &timer, stop, NULL), 0);
    loop_timer_once(&timer, ms * 1000000);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    loop_timer_close(&timer);
}

static int come(void)
{
    int fd = unix_socket_connect_for_loop(path);
    cr_assert_geq(fd, 0);
    turn(3);
    return fd;
}

static int come_by_tcp(void)
{
    int fd = tcp_connect(&tcp_at);
    cr_assert_geq(fd, 0);
    while (stats.joined + stats.streams_refused == 0)
        turn(1);
    return fd;
}

static void say(int fd, const char *text)
{
    cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    turn(6);
}

/* Everything that has come is this text, and then, if it ends, the end. */
static void expect_heard(int fd, const char *text, bool ends)
{
    char bytes[1024];
    size_t size = 0;
    ssize_t got = -1;
    for (int tries = 0; tries < 1000 && (size < strlen(text) || (ends && got != 0)); tries++) {
        got = recv(fd, bytes + size, sizeof bytes - size, MSG_DONTWAIT);
        if (got > 0)
            size += (size_t)got;
        else
            turn(1);
    }
    cr_assert_eq(size, strlen(text), "%.*s", (int)size, bytes);
    cr_assert_arr_eq(bytes, text, size);
    if (ends)
        cr_assert_eq(got, 0);
    else
        cr_assert_eq(recv(fd, bytes, 1, MSG_DONTWAIT), -1);
}

Test(stream_clients, a_line_gets_the_next_message_as_a_line)
{
    open_all(8, REPLY_ROTATE, RELAY_OFF);
    int fd = come();
    cr_assert_eq(streams_count(streams), 1);
    cr_assert_eq(stats.joined, 1);
    say(fd, "hi\nho\r\n\n");
    expect_heard(fd, "audi\ntwo lines\naudi\n", false);
    cr_assert_eq(stats.received, 3);
    cr_assert_eq(stats.replied, 3);
    close(fd);
    turn(3);
    cr_assert_eq(streams_count(streams), 0);
    cr_assert_eq(stats.streams_closed, 1);
    close_all();
}

Test(stream_clients, who_ends_his_side_gets_all_that_he_is_owed_and_the_end)
{
    open_all(8, REPLY_ECHO, RELAY_OFF);
    int fd = come_by_tcp();
    cr_assert_eq(send(fd, "one\ntwo", 7, MSG_NOSIGNAL), 7);
    cr_assert_eq(shutdown(fd, SHUT_WR), 0);
    expect_heard(fd, "one\ntwo\n", true);
    cr_assert_eq(stats.received, 2);
    close(fd);
    close_all();
}

Test(stream_clients, a_line_too_long_gets_an_error_line_and_the_end)
{
    char line[LONGEST + 3];
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\0';
    open_all(8, REPLY_ECHO, RELAY_OFF);
    int fd = come();
    say(fd, line);
    expect_heard(fd, "error: the line is longer than 100 bytes\n", true);
    cr_assert_eq(stats.received, 1);
    cr_assert_eq(stats.drop_oversize, 1);
    cr_assert_eq(streams_count(streams), 0);
    close(fd);
    turn(3);
    close_all();
}

Test(stream_clients, who_never_reads_is_cut_off_by_broadcasts_alone)
{
    static char bytes[64 << 10];
    open_all(8, REPLY_ECHO, RELAY_OFF);
    int fd = come(), other = come();
    struct shard_job part;
    memset(bytes, '\n', sizeof bytes);
    /* Answers that he doesn't read stop us from reading him, and no more. */
    for (int i = 0; i < 100; i++) {
        send(fd, bytes, sizeof bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
        turn(1);
    }
    cr_assert_eq(streams_count(streams), 2);
    cr_assert_eq(stats.streams_slow, 0);
    size_t heard = 0;
    for (int i = 0; i < 1000 && stats.streams_slow == 0; i++) {
        part =
            (struct shard_job){.bytes = (uint8_t *)bytes, .size = 1000, .reply_mailbox = mailbox};
        part.mailbox_message.open = (void (*)(struct mailbox_message *))stop;
        broadcast_start(broadcast, &part);
        turn(5);
        char read[2048];
        ssize_t got = recv(other, read, sizeof read, MSG_DONTWAIT);
        heard += got > 0 ? (size_t)got : 0;
    }
    cr_assert_eq(stats.streams_slow, 1);
    cr_assert_eq(streams_count(streams), 1);
    /* The kernel has refused nothing. */
    cr_assert_eq(part.sent, 1);
    cr_assert_eq(part.failed, 0);
    cr_assert_eq(part.skipped, 1);
    cr_assert_eq(stats.copies_failed, 0);
    cr_assert_eq(heard % 1001, 0);
    cr_assert_gt(heard, 0);
    close(fd);
    close(other);
    close_all();
}

Test(stream_clients, a_pause_for_answers_ends_when_they_are_read)
{
    enum { LINES = 200000 };
    static char bytes[4096], read[65536];
    size_t sent = 0, heard = 0;
    open_all(8, REPLY_ECHO, RELAY_OFF);
    int fd = come();
    memset(bytes, '\n', sizeof bytes);
    while (heard < LINES) {
        size_t left = LINES - sent < sizeof bytes ? LINES - sent : sizeof bytes;
        ssize_t result = send(fd, bytes, left, MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += result > 0 ? (size_t)result : 0;
        turn(1);
        if (result > 0)
            continue;
        while ((result = recv(fd, read, sizeof read, MSG_DONTWAIT)) > 0)
            heard += (size_t)result;
    }
    cr_assert_eq(stats.replied, LINES);
    cr_assert_eq(stats.streams_slow, 0);
    close(fd);
    close_all();
}

Test(stream_clients, one_too_many_is_told_so)
{
    open_all(2, REPLY_ECHO, RELAY_OFF);
    int first = come(), second = come(), third = come();
    expect_heard(third, "error: too many streams; try again later\n", true);
    cr_assert_eq(stats.streams_refused, 1);
    close(first);
    turn(3);
    int fourth = come();
    say(fourth, "hi\n");
    expect_heard(fourth, "hi\n", false);
    close(second);
    close(third);
    close(fourth);
    close_all();
}

Test(stream_clients, without_a_file_to_open_nobody_is_lost_and_nothing_spins)
{
    struct rlimit before, none;
    if (getenv("UDPSRV_VALGRIND"))
        cr_skip("valgrind accepts first, looks at the limit behind that, and closes");
    open_all(8, REPLY_ECHO, RELAY_OFF);
    int fd = unix_socket_connect_for_loop(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)fd + 1;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    turn(5);
    cr_assert_eq(stats.joined, 0);
    /* The door is shut: whoever waits there is no event any more. */
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    turn(5);
    cr_assert_eq(stats.joined, 0);
    run_for_ms(1100); /* it opens again on its own, without a sweep */
    cr_assert_eq(stats.joined, 1);
    say(fd, "hi\n");
    expect_heard(fd, "hi\n", false);
    close(fd);
    close_all();
}

Test(stream_clients, the_last_files_are_left_and_who_waits_comes_in_when_another_leaves)
{
    int fds[FILES];
    open_all(8, REPLY_ECHO, RELAY_OFF);
    for (int i = 0; i < FILES; i++)
        fds[i] = come();
    int waiting = come();
    say(waiting, "hi\n");
    turn(5);
    cr_assert_eq(stats.joined, FILES);
    cr_assert_eq(stats.streams_refused, 0);
    close(fds[0]);
    expect_heard(waiting, "hi\n", false);
    cr_assert_eq(stats.joined, FILES + 1);
    for (int i = 1; i < FILES; i++)
        close(fds[i]);
    close(waiting);
    turn(5);
    cr_assert_eq(streams_count(streams), 0);
    close_all();
}

Test(stream_clients, the_end_may_come_while_there_is_no_file_to_open)
{
    struct rlimit before, none;
    open_all(8, REPLY_ECHO, RELAY_OFF);
    int here = come(), waiting = unix_socket_connect_for_loop(path);
    cr_assert_geq(waiting, 0);
    cr_assert_eq(stats.joined, 1);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)waiting + 1;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    turn(5);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    cr_assert_eq(stats.joined, 1);
    close_all();
    close(here);
    close(waiting);
}

Test(stream_clients, the_silent_are_cut_off_and_those_who_leave_too_slowly)
{
    open_all(8, REPLY_ECHO, RELAY_OFF);
    int fd = come(), other = come();
    uint64_t now_ms = clock_now_ms();
    streams_sweep(streams, now_ms + IDLE_MS - 5000);
    cr_assert_eq(streams_count(streams), 2);
    streams_sweep(streams, now_ms + 2 * IDLE_MS);
    cr_assert_eq(streams_count(streams), 0);
    cr_assert_eq(stats.expired, 2);
    expect_heard(fd, "", true);
    close(fd);
    close(other);

    char line[LONGEST + 3];
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\0';
    fd = come();
    say(fd, line);
    streams_sweep(streams, clock_now_ms() + STREAMS_LEAVE_MS / 2);
    cr_assert_eq(send(fd, "x", 1, MSG_NOSIGNAL), 1);
    streams_sweep(streams, clock_now_ms() + 2 * STREAMS_LEAVE_MS);
    cr_assert_eq(send(fd, "x", 1, MSG_NOSIGNAL), -1);
    cr_assert_eq(stats.expired, 2, "he had left before");
    close(fd);
    close_all();
}

Test(stream_clients, relay_reaches_the_others_and_not_the_speaker)
{
    open_all(8, REPLY_NONE, RELAY_OTHERS);
    int anna = come(), bert = come(), carl = come();
    say(anna, "hello\n\n");
    turn(10);
    expect_heard(bert, "hello\n", false);
    expect_heard(carl, "hello\n", false);
    expect_heard(anna, "", false);
    cr_assert_eq(stats.silent, 2);
    cr_assert_eq(stats.relayed, 1);
    relay_set(relay, RELAY_ALL, 0);
    say(bert, "hi");
    shutdown(bert, SHUT_WR);
    turn(10);
    expect_heard(anna, "hi\n", false);
    close(anna);
    close(bert);
    close(carl);
    close_all();
}

Test(stream_clients, a_line_that_would_pass_for_a_frame_is_dropped)
{
    static const char challenge[] = "\0UDP\10123456789abcdef\nhello\n";
    open_all(8, REPLY_ECHO, RELAY_OTHERS);
    int anna = come(), bert = come();
    cr_assert_eq(send(anna, challenge, sizeof challenge - 1, MSG_NOSIGNAL), sizeof challenge - 1);
    turn(10);
    expect_heard(anna, "hello\n", false);
    expect_heard(bert, "hello\n", false);
    cr_assert_eq(stats.received, 2);
    cr_assert_eq(stats.drop_bad_frame, 1);
    cr_assert_eq(stats.relayed, 1);
    close(anna);
    close(bert);
    close_all();
}

Test(stream_clients, clients_are_listed_found_and_kicked_by_name)
{
    struct client clients[8];
    struct client_name name;
    uint32_t next = 0;
    open_all(8, REPLY_ECHO, RELAY_OFF);
    int tcp = come_by_tcp(), first = come(), second = come();
    say(second, "hi\n");
    cr_assert_eq(streams_list(streams, &next, clock_now_ms(), clients, 2), 2);
    cr_assert_eq(clients[0].source.family, ADDR_IPV4);
    cr_assert_eq(clients[0].listener, 4);
    cr_assert_eq(clients[1].slot, 1);
    cr_assert_eq(streams_list(streams, &next, clock_now_ms(), clients, 2), 1);
    cr_assert_eq(clients[0].slot, 2);
    cr_assert_eq(clients[0].received, 1);
    cr_assert_eq(streams_list(streams, &next, clock_now_ms(), clients, 2), 0);

    cr_assert_null(client_name_parse(&name, NULL, "unix:#2"));
    cr_assert(streams_find(streams, &name, clock_now_ms(), clients));
    cr_assert_eq(clients[0].listener, 3);
    cr_assert(streams_kick(streams, &name));
    cr_assert_not(streams_kick(streams, &name));
    cr_assert_not(streams_find(streams, &name, clock_now_ms(), clients));
    expect_heard(second, "hi\n", true);
    cr_assert_eq(stats.kicked, 1);
    cr_assert_eq(streams_count(streams), 2);
    close(tcp);
    close(first);
    close(second);
    close_all();
}

/* Blocks of one family only, so that whoever knocks by the other way is none of theirs. */
static struct access_list *list_of(const char *denied)
{
    struct cidr block;
    cr_assert_null(cidr_parse(&block, denied));
    return access_list_new(NULL, 0, &block, 1);
}

Test(stream_clients, who_is_denied_is_let_go_without_a_word)
{
    open_all(8, REPLY_ECHO, RELAY_OFF);
    datagram_decider.rules.acl = list_of("127.0.0.0/8");
    int denied = tcp_connect(&tcp_at), local = come();
    cr_assert_geq(denied, 0);
    expect_heard(denied, "", true);
    say(local, "hi\n");
    expect_heard(local, "hi\n", false);
    cr_assert_eq(stats.streams_denied, 1);
    cr_assert_eq(stats.joined, 1);
    access_list_free(datagram_decider.rules.acl);
    close(denied);
    close(local);
    close_all();
}

Test(stream_clients, other_lists_cut_off_those_whom_they_keep_out)
{
    open_all(8, REPLY_ECHO, RELAY_OFF);
    int tcp = come_by_tcp(), local = come();
    datagram_decider.rules.acl = list_of("127.0.0.2");
    streams_admit(streams);
    cr_assert_eq(streams_count(streams), 2);
    access_list_free(datagram_decider.rules.acl);
    datagram_decider.rules.acl = list_of("127.0.0.1");
    streams_admit(streams);
    expect_heard(tcp, "", true);
    say(local, "hi\n");
    expect_heard(local, "hi\n", false);
    cr_assert_eq(stats.kicked, 1);
    cr_assert_eq(streams_count(streams), 1);
    access_list_free(datagram_decider.rules.acl);
    close(tcp);
    close(local);
    close_all();
}

Test(stream_clients, a_broadcast_reaches_who_is_there_when_it_starts)
{
    open_all(8, REPLY_ECHO, RELAY_OFF);
    int fd = come();
    struct shard_job part = {
        .bytes = (const uint8_t *)"new\ns", .size = 5, .reply_mailbox = mailbox};
    part.mailbox_message.open = (void (*)(struct mailbox_message *))stop;
    broadcast_start(broadcast, &part);
    int late = unix_socket_connect_for_loop(path);
    turn(10);
    expect_heard(fd, "new s\n", false);
    expect_heard(late, "", false);
    cr_assert_eq(part.targets, 1);
    cr_assert_eq(part.sent, 1);
    cr_assert_eq(part.skipped, 0);
    close(fd);
    close(late);
    close_all();
}
