/* Messages of stream clients, lines and chunks: replies, relaying, limits, and messages that look
 * like frames. */
#include "server/streams/stream_messages.h"

#include "os/process/clock.h"
#include "stream_fixture.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(stream_messages, .timeout = 20);

Test(stream_messages, a_line_gets_the_next_message_as_a_line)
{
    stream_fixture_open(8, REPLY_ROTATE, RELAY_OFF);
    int fd = stream_connect();
    cr_assert_eq(stream_clients_count(streams), 1);
    cr_assert_eq(stream_stats.joined, 1);
    stream_send_text(fd, "hi\nho\r\n\n");
    stream_expect(fd, "audi\ntwo lines\naudi\n", false);
    cr_assert_eq(stream_stats.received, 3);
    cr_assert_eq(stream_stats.replied, 3);
    close(fd);
    stream_turn(3);
    cr_assert_eq(stream_clients_count(streams), 0);
    cr_assert_eq(stream_stats.streams_closed, 1);
    stream_fixture_close();
}

Test(stream_messages, a_pause_for_replies_ends_when_they_are_read)
{
    enum { LINES = 200000 };
    static char bytes[4096], read[65536];
    size_t sent = 0, received_bytes = 0;
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int fd = stream_connect();
    memset(bytes, '\n', sizeof bytes);
    while (received_bytes < LINES) {
        size_t left = LINES - sent < sizeof bytes ? LINES - sent : sizeof bytes;
        ssize_t result = send(fd, bytes, left, MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += result > 0 ? (size_t)result : 0;
        stream_turn(1);
        if (result > 0)
            continue;
        while ((result = recv(fd, read, sizeof read, MSG_DONTWAIT)) > 0)
            received_bytes += (size_t)result;
    }
    cr_assert_eq(stream_stats.replied, LINES);
    cr_assert_eq(stream_stats.streams_slow, 0);
    close(fd);
    stream_fixture_close();
}

Test(stream_messages, a_line_is_relayed_to_the_others_and_not_to_its_sender)
{
    stream_fixture_open(8, REPLY_NONE, RELAY_OTHERS);
    int anna = stream_connect(), bert = stream_connect(), carl = stream_connect();
    stream_send_text(anna, "hello\n\n");
    stream_turn(10);
    stream_expect(bert, "hello\n", false);
    stream_expect(carl, "hello\n", false);
    stream_expect(anna, "", false);
    cr_assert_eq(stream_stats.silent, 2);
    cr_assert_eq(stream_stats.relayed, 1);
    relay_set(stream_relay, RELAY_ALL, 0);
    stream_send_text(bert, "hi");
    shutdown(bert, SHUT_WR);
    stream_turn(10);
    stream_expect(anna, "hi\n", false);
    close(anna);
    close(bert);
    close(carl);
    stream_fixture_close();
}

Test(stream_messages, a_line_that_looks_like_a_frame_is_dropped)
{
    static const char challenge[] = "\0UDP\10123456789abcdef\nhello\n";
    stream_fixture_open(8, REPLY_ECHO, RELAY_OTHERS);
    int anna = stream_connect(), bert = stream_connect();
    cr_assert_eq(send(anna, challenge, sizeof challenge - 1, MSG_NOSIGNAL), sizeof challenge - 1);
    stream_turn(10);
    stream_expect(anna, "hello\n", false);
    stream_expect(bert, "hello\n", false);
    cr_assert_eq(stream_stats.received, 2);
    cr_assert_eq(stream_stats.drop_bad_frame, 1);
    cr_assert_eq(stream_stats.relayed, 1);
    close(anna);
    close(bert);
    stream_fixture_close();
}

/* ---- stream-framing = chunk ---- */

Test(stream_messages, under_chunk_a_message_comes_and_goes_as_it_is)
{
    stream_fixture_open_chunks(8, REPLY_ROTATE, RELAY_OFF);
    int fd = stream_connect();
    stream_send_text(fd, "hi");
    stream_expect(fd, "audi", false);
    stream_send_text(fd, "ho\nhu\n");
    stream_expect(fd, "two\nlines", false);
    stream_send_text(fd, "\n");
    stream_expect(fd, "audi", false);
    cr_assert_eq(stream_stats.received, 3);
    cr_assert_eq(stream_stats.replied, 3);
    close(fd);
    stream_fixture_close();
}

Test(stream_messages, under_chunk_a_message_is_relayed_as_it_is)
{
    stream_fixture_open_chunks(8, REPLY_NONE, RELAY_ALL);
    int anna = stream_connect(), bert = stream_connect();
    stream_send_text(anna, "hel\r\nlo");
    stream_turn(10);
    stream_expect(anna, "hel\r\nlo", false);
    stream_expect(bert, "hel\r\nlo", false);
    cr_assert_eq(stream_stats.relayed, 1);
    close(anna);
    close(bert);
    stream_fixture_close();
}

Test(stream_messages, under_chunk_a_message_too_long_is_dropped_and_the_client_stays)
{
    char text[2 * STREAM_LINE_BYTES];
    struct client client;
    struct client_name name = {.transport = TRANSPORT_UNIX, .number = 1};
    memset(text, 'x', sizeof text);
    text[STREAM_LINE_BYTES + 1] = '\0';
    stream_fixture_open_chunks(8, REPLY_ECHO, RELAY_ALL);
    int fd = stream_connect();
    stream_send_text(fd, text);
    stream_expect(fd, "", false);
    cr_assert_eq(stream_stats.received, 1);
    cr_assert_eq(stream_stats.drop_oversize, 1);
    cr_assert_eq(stream_stats.relayed, 0);
    text[STREAM_LINE_BYTES] = '\0';
    relay_set(stream_relay, RELAY_OFF, 0);
    stream_send_text(fd, text);
    stream_expect(fd, text, false);
    cr_assert_eq(stream_stats.drop_oversize, 1);
    cr_assert(stream_clients_find(streams, &name, clock_now_ms(), &client));
    cr_assert_eq(client.received, 2);
    close(fd);
    stream_fixture_close();
}

Test(stream_messages, under_chunk_a_message_that_looks_like_a_frame_is_dropped)
{
    static const char challenge[] = "\0UDP\10123456789abcdef";
    stream_fixture_open_chunks(8, REPLY_ECHO, RELAY_ALL);
    int fd = stream_connect();
    cr_assert_eq(send(fd, challenge, sizeof challenge - 1, MSG_NOSIGNAL), sizeof challenge - 1);
    stream_turn(10);
    stream_expect(fd, "", false);
    cr_assert_eq(stream_stats.received, 1);
    cr_assert_eq(stream_stats.drop_bad_frame, 1);
    close(fd);
    stream_fixture_close();
}

Test(stream_messages, under_chunk_an_empty_message_has_no_byte_and_counts_as_sent)
{
    struct client_name name = {.transport = TRANSPORT_UNIX, .number = 1};
    stream_fixture_open_chunks(8, REPLY_ECHO, RELAY_OFF);
    int fd = stream_connect();
    cr_assert_eq(stream_clients_send(streams, &name, NULL, 0), 0);
    cr_assert_eq(stream_clients_send(streams, &name, (const uint8_t *)"a", 1), 0);
    stream_expect(fd, "a", false);
    close(fd);
    stream_fixture_close();
}

Test(stream_messages, under_chunk_a_client_that_does_not_read_is_not_read_from_until_it_does)
{
    static char bytes[STREAM_LINE_BYTES], read[65536];
    stream_fixture_open_chunks(8, REPLY_ECHO, RELAY_OFF);
    int fd = stream_connect();
    memset(bytes, 'x', sizeof bytes);
    /* Until the buffers of the kernel are full in both directions. */
    for (int refused = 0; refused < 100; refused++) {
        while (send(fd, bytes, sizeof bytes, MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {
            refused = 0;
            stream_turn(1);
        }
        stream_turn(1);
    }
    cr_assert_eq(stream_stats.streams_slow, 0);
    cr_assert_eq(stream_stats.drop_oversize, 0);
    uint64_t replied = stream_stats.replied, left = replied * sizeof bytes;
    while (left > 0) {
        ssize_t got = recv(fd, read, left < sizeof read ? left : sizeof read, MSG_DONTWAIT);
        left -= got > 0 ? (uint64_t)got : 0;
        stream_turn(1);
    }
    /* What the client has sent meanwhile was read at once, and is too long. */
    stream_turn(1000);
    cr_assert_eq(stream_stats.replied, replied);
    cr_assert_eq(stream_stats.drop_oversize, 1);
    stream_send_text(fd, "hi");
    stream_expect(fd, "hi", false);
    close(fd);
    stream_fixture_close();
}
