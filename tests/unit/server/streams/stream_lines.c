/* Lines of stream clients: replies, relaying, and lines that look like frames. */
#include "server/streams/stream_lines.h"

#include "stream_fixture.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(stream_lines, .timeout = 20);

Test(stream_lines, a_line_gets_the_next_message_as_a_line)
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

Test(stream_lines, a_pause_for_replies_ends_when_they_are_read)
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

Test(stream_lines, a_line_is_relayed_to_the_others_and_not_to_its_sender)
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

Test(stream_lines, a_line_that_looks_like_a_frame_is_dropped)
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
