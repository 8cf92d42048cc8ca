/* Stream clients that another process takes over: places and numbers, connections, other options.
 */
#include "server/streams/stream_handover.h"

#include "handover_fixture.h"
#include "os/process/clock.h"
#include "stream_fixture.h"

#include "admission/access_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(stream_handover, .timeout = 60);

enum { UNIX_LISTENER = 3, TCP_LISTENER = 4 };

static size_t list(struct client *clients, size_t limit)
{
    uint32_t next = 0;
    return stream_clients_list(streams, &next, clock_now_ms(), clients, limit);
}

static void expect_counters_to_add_up(void)
{
    const struct stats *stats = &stream_stats;
    cr_assert_eq(stats->joined, stream_clients_count(streams) + stats->streams_closed +
                                    stats->streams_slow + stats->expired + stats->kicked);
    cr_assert_eq(stats->received, stats_outcomes(stats));
}

/* Whether the other side has ended the connection; drops what was received before. */
static bool has_ended(int fd)
{
    char bytes[4096];
    ssize_t got = 1;
    while (got > 0)
        got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    return got == 0 || errno != EAGAIN;
}

/* ---- what stays ---- */

Test(stream_handover, clients_stay_connected_with_their_names_counts_and_times)
{
    struct client before[4], after[4];
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int tcp = stream_connect_tcp(), first = stream_connect(), second = stream_connect();
    stream_send_text(second, "hi\nagain\n");
    stream_expect(second, "hi\nagain\n", false);
    cr_assert_eq(list(before, 4), 3);
    stream_fixture_hand_over(NULL);
    cr_assert_eq(list(after, 4), 3);
    for (int i = 0; i < 3; i++) {
        cr_assert(addr_equal(&after[i].source, &before[i].source));
        cr_assert_eq(after[i].slot, before[i].slot);
        cr_assert_eq(after[i].received, before[i].received);
        cr_assert_eq(after[i].listener, before[i].listener);
        cr_assert_geq(after[i].idle_ms, before[i].idle_ms);
    }
    cr_assert_eq(stream_clients_next_serial(streams), 4);
    int third = stream_connect();
    cr_assert_eq(list(after, 4), 4);
    cr_assert_eq(after[3].slot, 3, "the third one ever on the Unix socket");
    stream_send_text(tcp, "tcp\n");
    stream_send_text(first, "unix\n");
    stream_expect(tcp, "tcp\n", false);
    stream_expect(first, "unix\n", false);
    cr_assert_eq(stream_stats.joined, 4);
    expect_counters_to_add_up();
    close(tcp);
    close(first);
    close(second);
    close(third);
    stream_fixture_close();
}

Test(stream_handover, half_a_line_sent_before_and_half_after_two_handovers_is_one_message)
{
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int fd = stream_connect();
    stream_send_text(fd, "one ");
    stream_fixture_hand_over(NULL);
    stream_send_text(fd, "two ");
    stream_fixture_hand_over(NULL);
    stream_send_text(fd, "three\n");
    stream_expect(fd, "one two three\n", false);
    cr_assert_eq(stream_stats.received, 1);
    expect_counters_to_add_up();
    close(fd);
    stream_fixture_close();
}

Test(stream_handover, half_closed_client_gets_its_reply_and_the_end)
{
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int fd = stream_connect();
    cr_assert_eq(send(fd, "last words", 10, MSG_NOSIGNAL), 10);
    cr_assert_eq(shutdown(fd, SHUT_WR), 0);
    stream_fixture_hand_over(NULL);
    stream_expect(fd, "last words\n", true);
    cr_assert_eq(stream_stats.streams_closed, 1);
    expect_counters_to_add_up();
    close(fd);
    stream_fixture_close();
}

/* Sends requests until the client's replies wait in the server. Returns how many bytes of replies
 * it has to get. */
static size_t back_up(int fd)
{
    char line[STREAM_LINE_BYTES + 1];
    size_t sent = 0;
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    for (int failed = 0; failed < 20;) {
        ssize_t got = send(fd, line, sizeof line, MSG_NOSIGNAL | MSG_DONTWAIT);
        cr_assert(got < 0 || got == sizeof line);
        failed += got < 0;
        sent += got > 0 ? (size_t)got : 0;
        stream_turn(2);
    }
    return sent;
}

/* Reads everything that is left. */
static size_t read_rest(int fd, size_t expected)
{
    char bytes[4096];
    size_t size = 0;
    for (int tries = 0; tries < 100000 && size < expected; tries++) {
        ssize_t got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        for (ssize_t i = 0; i < got; i++)
            cr_assert_eq(bytes[i] == '\n', (size + (size_t)i + 1) % (STREAM_LINE_BYTES + 1) == 0);
        size += got > 0 ? (size_t)got : 0;
        stream_turn(1);
    }
    return size;
}

Test(stream_handover, client_that_does_not_read_gets_each_reply_once_and_in_order)
{
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int fd = stream_connect();
    size_t expected = back_up(fd);
    stream_fixture_hand_over(NULL);
    stream_turn(3);
    stream_fixture_hand_over(NULL);
    cr_assert_eq(read_rest(fd, expected), expected);
    cr_assert_eq(stream_stats.received, expected / (STREAM_LINE_BYTES + 1));
    expect_counters_to_add_up();
    close(fd);
    stream_fixture_close();
}

Test(stream_handover, closing_client_is_not_listed_and_gets_its_rest_or_its_time_ends)
{
    struct client clients[4];
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int slow = stream_connect(), slower = stream_connect();
    /* One that fits into the kernel's buffers is answered when the input has ended. */
    size_t expected = back_up(slow);
    back_up(slower);
    cr_assert_eq(shutdown(slow, SHUT_WR), 0);
    char bytes[512];
    /* Read until the server reads on, and sees the end, but not all replies. */
    size_t size = 0;
    while (stream_clients_count(streams) == 2 && size < expected) {
        ssize_t got = recv(slow, bytes, sizeof bytes, MSG_DONTWAIT);
        size += got > 0 ? (size_t)got : 0;
        stream_turn(4);
    }
    cr_assert_eq(stream_stats.streams_closed, 1);
    stream_fixture_hand_over(NULL);
    cr_assert_eq(list(clients, 4), 1);
    cr_assert_eq(stream_stats.streams_closed, 1);
    for (ssize_t got = 1; got != 0 && size < expected;) {
        got = recv(slow, bytes, sizeof bytes, MSG_DONTWAIT);
        size += got > 0 ? (size_t)got : 0;
        stream_turn(1);
    }
    cr_assert_eq(size, expected);
    stream_turn(3);
    cr_assert(has_ended(slow));
    expect_counters_to_add_up();
    close(slow);
    close(slower);
    stream_fixture_close();
}

Test(stream_handover, client_whose_line_was_too_long_gets_the_reason_and_no_reset)
{
    char line[STREAM_LINE_BYTES + 3];
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int fd = stream_connect();
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\0';
    stream_send_text(fd, line);
    cr_assert_eq(stream_stats.drop_oversize, 1);
    stream_fixture_hand_over(NULL);
    stream_send_text(fd, "more of it\n");
    stream_expect(fd, "error: the line is longer than 100 bytes\n", true);
    cr_assert_eq(stream_stats.drop_oversize, 1);
    stream_clients_sweep(streams, clock_now_ms() + 2 * STREAM_CLOSING_MS);
    cr_assert_eq(send(fd, "x", 1, MSG_NOSIGNAL), -1);
    expect_counters_to_add_up();
    close(fd);
    stream_fixture_close();
}

Test(stream_handover, waiting_connection_is_accepted_by_the_other_process)
{
    stream_fixture_open(2, REPLY_ECHO, RELAY_OFF);
    int first = stream_connect();
    int second = socket(AF_UNIX, SOCK_STREAM, 0);
    close(second);
    stream_fixture_hand_over(NULL);
    second = stream_connect();
    stream_send_text(second, "hi\n");
    stream_expect(second, "hi\n", false);
    int third = stream_connect();
    stream_expect(third, "error: too many streams; try again later\n", true);
    close(first);
    close(second);
    close(third);
    stream_fixture_close();
}

Test(stream_handover, idle_time_goes_on)
{
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int fd = stream_connect();
    uint64_t now_ms = clock_now_ms();
    stream_fixture_hand_over(NULL);
    stream_clients_sweep(streams, now_ms + STREAM_IDLE_MS - 1000);
    cr_assert_eq(stream_clients_count(streams), 1);
    stream_clients_sweep(streams, now_ms + STREAM_IDLE_MS + 1000);
    cr_assert_eq(stream_stats.expired, 1);
    expect_counters_to_add_up();
    close(fd);
    stream_fixture_close();
}

Test(stream_handover, message_is_relayed_to_the_other_clients)
{
    stream_fixture_open(8, REPLY_NONE, RELAY_OTHERS);
    int first = stream_connect(), second = stream_connect(), tcp = stream_connect_tcp();
    stream_fixture_hand_over(NULL);
    stream_send_text(first, "to all\n");
    stream_expect(second, "to all\n", false);
    stream_expect(tcp, "to all\n", false);
    stream_expect(first, "", false);
    close(first);
    close(second);
    close(tcp);
    stream_fixture_close();
}

/* Where the test takes longer than a second, a further message is within the rate. */
Test(stream_handover, rate_of_relayed_messages_goes_on)
{
    stream_fixture_open(8, REPLY_NONE, RELAY_OTHERS);
    int first = stream_connect(), second = stream_connect();
    relay_set(stream_relay, RELAY_OTHERS, 1);
    uint64_t began_ms = clock_now_ms();
    stream_send_text(first, "one\ntwo\nbeyond the burst\n");
    cr_assert_eq(stream_stats.relay_limited, 1);
    stream_fixture_hand_over(NULL);
    relay_set(stream_relay, RELAY_OTHERS, 1);
    stream_send_text(first, "still beyond it\n");
    cr_assert(stream_stats.relay_limited == 2 || clock_now_ms() >= began_ms + 1000);
    stream_expect(second, "one\ntwo\n", false);
    close(first);
    close(second);
    stream_fixture_close();
}

Test(stream_handover, chunk_stays_a_chunk)
{
    stream_fixture_open_chunks(8, REPLY_ECHO, RELAY_OFF);
    int fd = stream_connect();
    cr_assert_eq(send(fd, "a\nb", 3, MSG_NOSIGNAL), 3);
    stream_fixture_hand_over(NULL);
    stream_expect(fd, "a\nb", false);
    cr_assert_eq(stream_stats.received, 1);
    close(fd);
    stream_fixture_close();
}

/* ---- what the other process has otherwise ---- */

Test(stream_handover, client_whose_listener_is_gone_is_disconnected_and_counted)
{
    uint8_t numbers[CONFIG_LISTEN_MAX];
    struct client clients[4];
    memset(numbers, 0xff, sizeof numbers);
    numbers[TCP_LISTENER] = TCP_LISTENER;
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int tcp = stream_connect_tcp(), first = stream_connect(), second = stream_connect();
    stream_send_text(second, "half a l");
    stream_fixture_hand_over(numbers);
    cr_assert(has_ended(first));
    cr_assert(has_ended(second));
    cr_assert_eq(list(clients, 4), 1);
    cr_assert_eq(clients[0].listener, TCP_LISTENER);
    cr_assert_eq(stream_stats.streams_closed, 2);
    expect_counters_to_add_up();
    stream_send_text(tcp, "still here\n");
    stream_expect(tcp, "still here\n", false);
    int next = stream_connect();
    stream_send_text(next, "new\n");
    stream_expect(next, "new\n", false);
    cr_assert_eq(list(clients, 4), 2);
    close(tcp);
    close(first);
    close(second);
    close(next);
    stream_fixture_close();
}

Test(stream_handover, client_of_a_renumbered_listener_has_its_new_number)
{
    uint8_t numbers[CONFIG_LISTEN_MAX];
    struct client clients[4];
    memset(numbers, 0xff, sizeof numbers);
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int fd = stream_connect();
    numbers[UNIX_LISTENER] = TCP_LISTENER;
    struct stream_listener other = {stream_options.listeners[0].socket, TRANSPORT_UNIX,
                                    TCP_LISTENER};
    stream_options.listeners = &other;
    stream_options.listener_count = 1;
    stream_fixture_hand_over(numbers);
    cr_assert_eq(list(clients, 4), 1);
    cr_assert_eq(clients[0].listener, TCP_LISTENER);
    stream_send_text(fd, "hi\n");
    stream_expect(fd, "hi\n", false);
    close(fd);
    stream_fixture_close();
}

Test(stream_handover, clients_beyond_a_smaller_stream_max_stay_and_no_other_is_accepted_meanwhile)
{
    stream_fixture_open(3, REPLY_ECHO, RELAY_OFF);
    int fds[3] = {stream_connect(), stream_connect(), stream_connect()};
    stream_options.max = 2;
    stream_fixture_hand_over(NULL);
    for (int i = 0; i < 3; i++) {
        stream_send_text(fds[i], "stays\n");
        stream_expect(fds[i], "stays\n", false);
    }
    int refused = stream_connect();
    stream_expect(refused, "error: too many streams; try again later\n", true);
    close(fds[0]);
    stream_turn(3);
    close(refused);
    refused = stream_connect();
    stream_expect(refused, "error: too many streams; try again later\n", true);
    close(fds[1]);
    stream_turn(3);
    int accepted = stream_connect();
    stream_send_text(accepted, "hi\n");
    stream_expect(accepted, "hi\n", false);
    expect_counters_to_add_up();
    close(fds[2]);
    close(refused);
    close(accepted);
    stream_fixture_close();
}

Test(stream_handover, larger_stream_max_has_more_places)
{
    stream_fixture_open(1, REPLY_ECHO, RELAY_OFF);
    int first = stream_connect();
    stream_options.max = 3;
    stream_fixture_hand_over(NULL);
    int second = stream_connect(), third = stream_connect();
    stream_send_text(third, "hi\n");
    stream_expect(third, "hi\n", false);
    cr_assert_eq(stream_clients_count(streams), 3);
    close(first);
    close(second);
    close(third);
    stream_fixture_close();
}

Test(stream_handover, free_places_between_clients_are_used_again)
{
    stream_fixture_open(3, REPLY_ECHO, RELAY_OFF);
    int fds[3] = {stream_connect(), stream_connect(), stream_connect()};
    close(fds[1]);
    stream_turn(3);
    stream_fixture_hand_over(NULL);
    fds[1] = stream_connect();
    for (int i = 0; i < 3; i++) {
        stream_send_text(fds[i], "hi\n");
        stream_expect(fds[i], "hi\n", false);
    }
    int refused = stream_connect();
    stream_expect(refused, "error: too many streams; try again later\n", true);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    close(refused);
    stream_fixture_close();
}

Test(stream_handover, client_that_another_access_list_excludes_is_kicked_once_the_loop_runs)
{
    struct cidr deny;
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int tcp = stream_connect_tcp(), local = stream_connect();
    cr_assert(cidr_parse(&deny, "127.0.0.0/8") == NULL);
    struct access_list *acl = access_list_new(NULL, 0, &deny, 1);
    cr_assert_not_null(acl);
    stream_decider.rules.acl = acl;
    stream_fixture_hand_over(NULL);
    cr_assert_eq(stream_clients_count(streams), 2);
    stream_turn(2);
    cr_assert(has_ended(tcp));
    cr_assert_eq(stream_stats.kicked, 1);
    stream_send_text(local, "hi\n");
    stream_expect(local, "hi\n", false);
    expect_counters_to_add_up();
    stream_decider.rules.acl = NULL;
    access_list_free(acl);
    close(tcp);
    close(local);
    stream_fixture_close();
}

Test(stream_handover, lines_become_chunks_and_smaller_messages)
{
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int fd = stream_connect();
    stream_send_text(fd, "12345678");
    stream_options.framing = FRAMING_CHUNK;
    stream_options.max_message_bytes = 5;
    stream_fixture_hand_over(NULL);
    stream_expect(fd, "12345678", false);
    cr_assert_eq(stream_stats.received, 2);
    expect_counters_to_add_up();
    close(fd);
    stream_fixture_close();
}

Test(stream_handover, without_stream_listeners_all_clients_are_disconnected_and_counted)
{
    uint8_t numbers[CONFIG_LISTEN_MAX] = {0};
    struct handover_writer writer = {.size = 0};
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int first = stream_connect(), second = stream_connect();
    stream_send_text(second, "half a l");
    handover_begin(&writer, 1);
    stream_clients_hand_over(streams, &writer);
    handover_end(&writer);
    struct handover_reader reader = handover_received(&writer);
    cr_assert_eq(stream_clients_take_over(NULL, &reader, numbers, &stream_stats), 0);
    handover_forget(&reader);
    handover_writer_free(&writer);
    cr_assert_eq(stream_stats.streams_closed, 2);
    cr_assert_not(has_ended(first), "as long as the first process may go on");
    stream_fixture_close();
    cr_assert(has_ended(first));
    cr_assert(has_ended(second));
    close(first);
    close(second);
}

Test(stream_handover, first_process_goes_on_when_the_other_one_fails)
{
    uint8_t numbers[CONFIG_LISTEN_MAX] = {0};
    struct handover_writer writer = {.size = 0};
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int fd = stream_connect();
    stream_send_text(fd, "half ");
    handover_begin(&writer, 1);
    stream_clients_hand_over(streams, &writer);
    handover_end(&writer);
    struct handover_reader reader = handover_received(&writer);
    struct stats other = {0};
    cr_assert_eq(stream_clients_take_over(NULL, &reader, numbers, &other), 0);
    handover_forget(&reader);
    handover_writer_free(&writer);
    stream_send_text(fd, "a line\n");
    stream_expect(fd, "half a line\n", false);
    close(fd);
    stream_fixture_close();
}

Test(stream_handover, record_that_is_truncated_anywhere_is_refused)
{
    uint8_t numbers[CONFIG_LISTEN_MAX] = {0};
    struct handover_writer writer = {.size = 0};
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int fd = stream_connect(), tcp = stream_connect_tcp();
    handover_begin(&writer, 1);
    stream_clients_hand_over(streams, &writer);
    handover_end(&writer);
    for (size_t end = 9; end < writer.size; end++) {
        int descriptors[] = {dup(fd), dup(fd)};
        struct stats stats = {0};
        struct handover_reader reader = {.bytes = writer.bytes,
                                         .size = writer.size,
                                         .at = 9,
                                         .end = end,
                                         .descriptors = descriptors,
                                         .descriptor_count = 2};
        cr_assert_eq(stream_clients_take_over(NULL, &reader, numbers, &stats), -EPROTO);
        for (size_t i = 0; i < 2; i++)
            if (descriptors[i] >= 0)
                close(descriptors[i]);
    }
    handover_writer_free(&writer);
    close(fd);
    close(tcp);
    stream_fixture_close();
}

/* ---- many ---- */

Test(stream_handover, two_thousand_clients_with_half_a_line_stay_connected_over_two_handovers)
{
    enum { MANY = 2000 };
    static int fds[MANY];
    struct rlimit files = {3 * MANY + 100, 3 * MANY + 100};
    if (setrlimit(RLIMIT_NOFILE, &files) != 0)
        cr_skip("too few descriptors");
    stream_fixture_open(MANY, REPLY_ECHO, RELAY_OFF);
    stream_options.files = MANY;
    stream_fixture_hand_over(NULL);
    for (int i = 0; i < MANY; i++) {
        fds[i] = stream_connect();
        cr_assert_eq(send(fds[i], "half", 4, MSG_NOSIGNAL), 4);
    }
    stream_turn(MANY / 16);
    cr_assert_eq(stream_clients_count(streams), MANY);
    stream_fixture_hand_over(NULL);
    stream_turn(3);
    stream_fixture_hand_over(NULL);
    cr_assert_eq(stream_clients_count(streams), MANY);
    for (int i = 0; i < MANY; i++)
        cr_assert_eq(send(fds[i], " line\n", 6, MSG_NOSIGNAL), 6);
    stream_turn(MANY / 16);
    for (int i = 0; i < MANY; i++) {
        stream_expect(fds[i], "half line\n", false);
        close(fds[i]);
    }
    cr_assert_eq(stream_stats.joined, MANY);
    cr_assert_eq(stream_stats.received, MANY);
    stream_turn(MANY / 16);
    cr_assert_eq(stream_clients_count(streams), 0);
    expect_counters_to_add_up();
    stream_fixture_close();
}
