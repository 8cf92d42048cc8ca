/* Streams over an upgrade: the clients stay connected, and no byte is lost or comes twice. */

#include "harness.h"
#include "restart.h"
#include "upgrade.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(system_upgrade_streams, .fini = harness_end, .timeout = 120);

static const char ECHO_CONFIG[] = "[reply]\nmode = echo\n";

/* A server with a UDP, a TCP and a Unix listener. */
static void start(struct server *server, const char *config)
{
    const char *address = restart_address();
    upgrade_install();
    server_start(server, config, "-l", address, "-l", harness_format("tcp:%s", address), "-l",
                 harness_format("unix:%s", harness_path("chat")), NULL);
}

static const char *tcp(const struct server *server)
{
    return server->others[0];
}

static const char *local(const struct server *server)
{
    return server->others[1];
}

Test(system_upgrade_streams, line_that_is_sent_in_parts_around_two_upgrades_is_one_message)
{
    struct server server = {0};
    start(&server, ECHO_CONFIG);
    int by_tcp = stream_open(tcp(&server)), by_path = stream_open(local(&server));
    stream_write_text(by_tcp, "before\none ");
    stream_expect(by_tcp, "before");
    stream_write_text(by_path, "eins ");
    server_await_clients(&server, 2);
    upgrade(&server);
    stream_write_text(by_tcp, "two ");
    stream_write_text(by_path, "zwei ");
    upgrade(&server);
    stream_write_text(by_tcp, "three\nafter\n");
    stream_write_text(by_path, "drei\n");
    stream_expect(by_tcp, "one two three");
    stream_expect(by_tcp, "after");
    stream_expect(by_path, "eins zwei drei");
    server_await_clients(&server, 2);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
    stream_expect_end(by_tcp);
    stream_expect_end(by_path);
}

Test(system_upgrade_streams, clients_keep_their_names_and_can_be_kicked)
{
    struct server server = {0};
    start(&server, ECHO_CONFIG);
    int first = stream_open(local(&server)), second = stream_open(local(&server));
    stream_write_text(second, "hi\n");
    stream_expect(second, "hi");
    server_await_clients(&server, 2);
    upgrade(&server);
    int third = stream_open(local(&server));
    server_await_clients(&server, 3);
    harness_contains("a client", ctl_ok(&server, "client", "unix:#2", "--json", NULL),
                     "\"received\":1");
    ctl_ok(&server, "kick", "unix:#2", NULL);
    stream_expect_end(second);
    ctl_ok(&server, "send", "unix:#3", "to the third", NULL);
    stream_expect(third, "to the third");
    stream_write_text(first, "still here\n");
    stream_expect(first, "still here");
    server_stop(&server);
}

/* ---- output ---- */

/* Sends numbered lines until the server reads no more. Returns their number. */
static int fill(int stream)
{
    struct pollfd space = {.fd = stream, .events = POLLOUT};
    char line[1200];
    int count = 0;
    /* It stays without space for longer than the server needs to read. */
    while (poll(&space, 1, 300) == 1) {
        int size = snprintf(line, sizeof line, "%d %01000d\n", count, 0);
        for (int sent = 0; sent < size;) {
            ssize_t got = send(stream, line + sent, (size_t)(size - sent), MSG_NOSIGNAL);
            expect(got > 0, "expected the line to be sent: %s", strerror(errno));
            sent += (int)got;
        }
        count++;
    }
    return count;
}

static void expect_lines(int stream, int count)
{
    FILE *file = fdopen(dup(stream), "re");
    char line[1200];
    for (int i = 0; i < count; i++) {
        expect(fgets(line, sizeof line, file) != NULL, "expected line %d, the stream has ended", i);
        expect(atoi(line) == i && strlen(line) > 1000, "expected line %d, received %s", i, line);
    }
    fclose(file);
}

Test(system_upgrade_streams, client_that_does_not_read_gets_all_replies_in_order)
{
    struct server server = {0};
    start(&server, ECHO_CONFIG);
    int by_tcp = stream_open(tcp(&server)), by_path = stream_open(local(&server));
    int in_tcp = fill(by_tcp), in_path = fill(by_path);
    upgrade(&server);
    upgrade(&server);
    expect_lines(by_path, in_path);
    expect_lines(by_tcp, in_tcp);
    stream_expect_nothing(by_tcp, "a reply that came twice");
    stream_expect_nothing(by_path, "a reply that came twice");
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_upgrade_streams, half_closed_client_gets_its_replies_and_then_the_end)
{
    struct server server = {0};
    start(&server, ECHO_CONFIG);
    const char *const names[] = {tcp(&server), local(&server)};
    for (int i = 0; i < 2; i++) {
        int stream = stream_open(names[i]);
        int count = fill(stream);
        stream_expect_bytes(stream, "0 0");
        shutdown(stream, SHUT_WR);
        upgrade(&server);
        expect(stream_line(stream) != NULL, "expected the rest of the first line");
        char byte;
        int lines = 1;
        while (recv(stream, &byte, 1, 0) == 1)
            lines += byte == '\n';
        harness_equal("lines", lines, count);
        close(stream);
    }
    server_await_clients(&server, 0);
    server_stop(&server);
}

Test(system_upgrade_streams, client_that_sends_its_last_words_just_before_is_answered)
{
    struct server server = {0};
    start(&server, ECHO_CONFIG);
    for (int i = 0; i < 10; i++) {
        int stream = stream_open(i % 2 == 0 ? tcp(&server) : local(&server));
        stream_write_text(stream, "no newline");
        shutdown(stream, SHUT_WR);
        upgrade(&server);
        stream_expect(stream, "no newline");
        stream_expect_end(stream);
        close(stream);
    }
    server_stop(&server);
}

/* ---- chunks ---- */

Test(system_upgrade_streams, chunks_are_answered_as_they_are)
{
    struct server server = {0};
    start(&server, "[server]\nstream-framing = chunk\n[reply]\nmode = echo\n");
    int by_tcp = stream_open(tcp(&server)), by_path = stream_open(local(&server));
    stream_write_text(by_tcp, "a\nb");
    stream_expect_bytes(by_tcp, "a\nb");
    upgrade(&server);
    stream_write_text(by_path, "c\r\nd");
    stream_expect_bytes(by_path, "c\r\nd");
    stream_write_text(by_tcp, "e");
    stream_expect_bytes(by_tcp, "e");
    server_stop(&server);
}

Test(system_upgrade_streams, unread_part_of_a_line_is_a_chunk_when_the_framing_has_changed)
{
    struct server server = {0};
    start(&server, ECHO_CONFIG);
    int stream = stream_open(tcp(&server));
    stream_write_text(stream, "line\npart");
    stream_expect(stream, "line");
    server_configure(&server, "[server]\nstream-framing = chunk\n[reply]\nmode = echo\n");
    upgrade(&server);
    stream_expect_bytes(stream, "part");
    stream_write_text(stream, "as it is");
    stream_expect_bytes(stream, "as it is");
    server_stop(&server);
}

/* ---- relay ---- */

Test(system_upgrade_streams, messages_are_relayed_between_streams_and_datagrams)
{
    struct server server = {0};
    start(&server, "[reply]\nmode = none\n[broadcast]\nrelay = others\n");
    int udp = udp_open("127.0.0.1:0");
    int by_tcp = stream_open(tcp(&server)), by_path = stream_open(local(&server));
    server_await_clients(&server, 2);
    upgrade(&server);
    udp_send_text(udp, &server.at[0], "by UDP");
    stream_expect(by_tcp, "by UDP");
    stream_expect(by_path, "by UDP");
    stream_write_text(by_tcp, "by TCP\n");
    udp_expect(udp, &server.at[0], "by TCP");
    stream_expect(by_path, "by TCP");
    ctl_ok(&server, "broadcast", "to all", NULL);
    udp_expect(udp, &server.at[0], "to all");
    stream_expect(by_tcp, "to all");
    stream_expect(by_path, "to all");
    server_stop(&server);
}

/* ---- other configurations ---- */

Test(system_upgrade_streams, clients_beyond_a_smaller_stream_max_stay)
{
    struct server server = {0};
    start(&server, ECHO_CONFIG);
    int streams[3];
    for (int i = 0; i < 3; i++)
        streams[i] = stream_open(tcp(&server));
    server_await_clients(&server, 3);
    server_configure(&server, "[server]\nstream-max = 2\n[reply]\nmode = echo\n");
    upgrade(&server);
    for (int i = 0; i < 3; i++) {
        stream_write_text(streams[i], "stays\n");
        stream_expect(streams[i], "stays");
    }
    int refused = stream_open(tcp(&server));
    stream_expect(refused, "error: too many streams; try again later");
    server_stop(&server);
}

Test(system_upgrade_streams, client_that_is_denied_from_now_on_is_disconnected)
{
    struct server server = {0};
    start(&server, ECHO_CONFIG);
    int by_tcp = stream_open(tcp(&server)), by_path = stream_open(local(&server));
    server_await_clients(&server, 2);
    server_configure(&server, "[admission]\ndeny = 127.0.0.0/8\n[reply]\nmode = echo\n");
    upgrade(&server);
    stream_expect_end(by_tcp);
    stream_write_text(by_path, "not by address\n");
    stream_expect(by_path, "not by address");
    server_stop(&server);
}

Test(system_upgrade_streams, clients_of_a_listener_that_is_gone_are_disconnected)
{
    struct server server = {0};
    const char *address = restart_address();
    upgrade_install();
    server_start(&server,
                 harness_format("[server]\nlisten = %s, unix:%s, tcp:%s\n[reply]\nmode = echo\n",
                                address, harness_path("chat"), address),
                 NULL);
    int by_path = stream_open(server.others[0]), by_tcp = stream_open(server.others[1]);
    stream_write_text(by_tcp, "half ");
    server_await_clients(&server, 2);
    server_configure(&server, harness_format("[server]\nlisten = %s, tcp:%s\n"
                                             "[reply]\nmode = echo\n",
                                             address, address));
    upgrade(&server);
    stream_expect_end(by_path);
    stream_write_text(by_tcp, "a line\n");
    stream_expect(by_tcp, "half a line");
    harness_equal("closed", server_stat(&server, "streams_closed"), 1);
    server_stop(&server);
}

/* ---- many, and busy ones ---- */

Test(system_upgrade_streams, thousands_of_connections_with_half_a_line_stay)
{
    enum { MANY = 4000 };
    static int streams[MANY];
    int count = harness_sanitized() ? MANY / 10 : MANY;
    struct server server = {0};
    if (!harness_raise_file_limit(MANY + 200))
        cr_skip("too few descriptors");
    start(&server, "[server]\nstream-max = 5000\n[reply]\nmode = echo\n");
    for (int i = 0; i < count; i++) {
        streams[i] = stream_open(i % 2 == 0 ? tcp(&server) : local(&server));
        stream_write_text(streams[i], "half ");
    }
    server_await_clients(&server, count);
    upgrade(&server);
    int files = server_files(&server);
    upgrade(&server);
    server_await_files(&server, files); /* the channel to the old process is closed after its end */
    server_await_clients(&server, count);
    for (int i = 0; i < count; i++)
        stream_write_text(streams[i], "a line\n");
    for (int i = 0; i < count; i++)
        stream_expect(streams[i], "half a line");
    for (int i = 0; i < count; i++)
        close(streams[i]);
    server_await_clients(&server, 0);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

/* Clients that each send a line whenever the one before was answered. */
enum { TALKERS = 40 };
static int talkers[TALKERS];
static atomic_bool is_over;
static _Atomic(const char *) talk_error;
static atomic_int lines_answered;

static const char *exchange(int stream, int number)
{
    char line[64], reply[64];
    int size = snprintf(line, sizeof line, "line %d of %d\n", number, stream);
    if (send(stream, line, (size_t)size, MSG_NOSIGNAL) != size)
        return "a line could not be sent";
    for (int got = 0; got < size;) {
        ssize_t part = recv(stream, reply + got, (size_t)(size - got), 0);
        if (part <= 0)
            return "a stream has ended";
        got += (int)part;
    }
    return memcmp(line, reply, (size_t)size) == 0 ? NULL : "a reply was wrong";
}

static void *talk(void *state)
{
    (void)state;
    for (int number = 0; !is_over && talk_error == NULL; number++)
        for (int i = 0; i < TALKERS; i++) {
            const char *error = exchange(talkers[i], number);
            if (error != NULL)
                talk_error = error;
            lines_answered++;
        }
    return NULL;
}

Test(system_upgrade_streams, ten_upgrades_in_a_row_lose_no_line_of_clients_that_talk_all_the_time)
{
    struct server server = {0};
    pthread_t thread;
    start(&server, "[reply]\nmode = echo\n");
    for (int i = 0; i < TALKERS; i++)
        talkers[i] = stream_open(i % 2 == 0 ? tcp(&server) : local(&server));
    expect(pthread_create(&thread, NULL, talk, NULL) == 0, "expected a thread");
    for (int i = 0; i < 10; i++) {
        int before = lines_answered;
        upgrade(&server);
        while (lines_answered < before + TALKERS && talk_error == NULL)
            harness_wait_ms(1);
    }
    is_over = true;
    pthread_join(thread, NULL);
    expect(talk_error == NULL, "%s", talk_error);
    server_await_clients(&server, TALKERS);
    server_stop(&server);
}

Test(system_upgrade_streams, streams_go_on_when_the_new_program_fails_after_it_got_them)
{
    struct server server = {0};
    start(&server, ECHO_CONFIG);
    int by_tcp = stream_open(tcp(&server)), by_path = stream_open(local(&server));
    int count = fill(by_path);
    stream_write_text(by_tcp, "half ");
    server_await_clients(&server, 2);
    upgrade_put_script("await PACKAGE; send READY 1; await PACKAGE; exit 1");
    expect(ctl(&server, "upgrade", NULL).status == 1, "expected the upgrade to fail");
    stream_write_text(by_tcp, "a line\n");
    stream_expect(by_tcp, "half a line");
    expect_lines(by_path, count);
    upgrade_restore();
    upgrade(&server);
    stream_write_text(by_tcp, "and on\n");
    stream_expect(by_tcp, "and on");
    server_stop(&server);
}
