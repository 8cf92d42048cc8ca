/* Copies of broadcasts to stream clients. */
#include "server/streams/stream_copies.h"

#include "net/unix/unix_client.h"
#include "stream_fixture.h"

#include <unistd.h>

TestSuite(stream_copies, .timeout = 20);

Test(stream_copies, a_broadcast_reaches_the_clients_that_are_connected_when_it_starts)
{
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int fd = stream_connect();
    struct shard_job job = {
        .bytes = (const uint8_t *)"new\ns", .size = 5, .reply_mailbox = stream_mailbox};
    job.completion.handle = (void (*)(struct mailbox_message *))stream_stop_loop;
    broadcast_start(stream_broadcast, &job);
    int late = unix_client_connect_nonblocking(stream_path);
    stream_turn(10);
    stream_expect(fd, "new s\n", false);
    stream_expect(late, "", false);
    cr_assert_eq(job.targets, 1);
    cr_assert_eq(job.sent, 1);
    cr_assert_eq(job.skipped, 0);
    close(fd);
    close(late);
    stream_fixture_close();
}
