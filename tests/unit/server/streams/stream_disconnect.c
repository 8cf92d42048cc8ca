/* Stream clients that are disconnected: slow, idle, or with a line that is too long. */
#include "server/streams/stream_disconnect.h"

#include "os/process/clock.h"
#include "stream_fixture.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(stream_disconnect, .timeout = 20);

Test(stream_disconnect, a_client_that_ends_its_input_gets_all_replies_and_then_the_end)
{
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int fd = stream_connect_tcp();
    cr_assert_eq(send(fd, "one\ntwo", 7, MSG_NOSIGNAL), 7);
    cr_assert_eq(shutdown(fd, SHUT_WR), 0);
    stream_expect(fd, "one\ntwo\n", true);
    cr_assert_eq(stream_stats.received, 2);
    close(fd);
    stream_fixture_close();
}

Test(stream_disconnect, under_chunk_a_client_that_ends_its_input_gets_its_reply_and_then_the_end)
{
    stream_fixture_open_chunks(8, REPLY_ECHO, RELAY_OFF);
    int fd = stream_connect_tcp();
    cr_assert_eq(send(fd, "one\ntwo", 7, MSG_NOSIGNAL), 7);
    cr_assert_eq(shutdown(fd, SHUT_WR), 0);
    stream_expect(fd, "one\ntwo", true);
    cr_assert_eq(stream_stats.received, 1);
    cr_assert_eq(stream_stats.streams_closed, 1);
    close(fd);
    stream_fixture_close();
}

Test(stream_disconnect, a_line_too_long_gets_an_error_line_and_the_end)
{
    char line[STREAM_LINE_BYTES + 3];
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\0';
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int fd = stream_connect();
    stream_send_text(fd, line);
    stream_expect(fd, "error: the line is longer than 100 bytes\n", true);
    cr_assert_eq(stream_stats.received, 1);
    cr_assert_eq(stream_stats.drop_oversize, 1);
    cr_assert_eq(stream_clients_count(streams), 0);
    close(fd);
    stream_turn(3);
    stream_fixture_close();
}

Test(stream_disconnect, a_client_that_never_reads_is_disconnected_only_by_broadcasts)
{
    static char bytes[64 << 10];
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int fd = stream_connect(), other = stream_connect();
    struct shard_job job;
    memset(bytes, '\n', sizeof bytes);
    /* Replies that the client does not read only stop the server from reading its lines. */
    for (int i = 0; i < 100; i++) {
        send(fd, bytes, sizeof bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
        stream_turn(1);
    }
    cr_assert_eq(stream_clients_count(streams), 2);
    cr_assert_eq(stream_stats.streams_slow, 0);
    size_t received_bytes = 0;
    for (int i = 0; i < 1000 && stream_stats.streams_slow == 0; i++) {
        job = (struct shard_job){
            .bytes = (uint8_t *)bytes, .size = 1000, .reply_mailbox = stream_mailbox};
        job.completion.handle = (void (*)(struct mailbox_message *))stream_stop_loop;
        broadcast_start(stream_broadcast, &job);
        stream_turn(5);
        char read[2048];
        ssize_t got = recv(other, read, sizeof read, MSG_DONTWAIT);
        received_bytes += got > 0 ? (size_t)got : 0;
    }
    cr_assert_eq(stream_stats.streams_slow, 1);
    cr_assert_eq(stream_clients_count(streams), 1);
    /* The kernel has refused no copy. */
    cr_assert_eq(job.sent, 1);
    cr_assert_eq(job.failed, 0);
    cr_assert_eq(job.skipped, 1);
    cr_assert_eq(stream_stats.copies_failed, 0);
    cr_assert_eq(received_bytes % 1001, 0);
    cr_assert_gt(received_bytes, 0);
    close(fd);
    close(other);
    stream_fixture_close();
}

Test(stream_disconnect, idle_clients_are_disconnected_and_so_are_those_that_close_too_slowly)
{
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int fd = stream_connect(), other = stream_connect();
    uint64_t now_ms = clock_now_ms();
    stream_clients_sweep(streams, now_ms + STREAM_IDLE_MS - 5000);
    cr_assert_eq(stream_clients_count(streams), 2);
    stream_clients_sweep(streams, now_ms + 2 * STREAM_IDLE_MS);
    cr_assert_eq(stream_clients_count(streams), 0);
    cr_assert_eq(stream_stats.expired, 2);
    stream_expect(fd, "", true);
    close(fd);
    close(other);

    char line[STREAM_LINE_BYTES + 3];
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\0';
    fd = stream_connect();
    stream_send_text(fd, line);
    stream_clients_sweep(streams, clock_now_ms() + STREAM_CLOSING_MS / 2);
    cr_assert_eq(send(fd, "x", 1, MSG_NOSIGNAL), 1);
    stream_clients_sweep(streams, clock_now_ms() + 2 * STREAM_CLOSING_MS);
    cr_assert_eq(send(fd, "x", 1, MSG_NOSIGNAL), -1);
    cr_assert_eq(stream_stats.expired, 2, "the closing client was already counted as closed");
    close(fd);
    stream_fixture_close();
}
