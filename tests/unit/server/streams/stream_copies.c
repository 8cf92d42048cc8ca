/* Copies of broadcasts to stream clients. */
#include "server/streams/stream_copies.h"

#include "net/unix/unix_client.h"
#include "stream_fixture.h"

#include <string.h>
#include <unistd.h>

TestSuite(stream_copies, .timeout = 20);

static struct shard_job job;

static void start_broadcast(const char *text, const struct client_selector *selector)
{
    job = (struct shard_job){.bytes = (const uint8_t *)text,
                             .size = strlen(text),
                             .reply_mailbox = stream_mailbox,
                             .selector = selector};
    job.completion.handle = (void (*)(struct mailbox_message *))stream_stop_loop;
    broadcast_start(stream_broadcast, &job);
}

/* Starts a broadcast, and takes the turns in which it is sent. */
static void broadcast(const struct client_selector *selector)
{
    start_broadcast("news", selector);
    stream_turn(10);
}

/* Broadcasts "new\ns", which the client must get as the text. */
static void broadcast_news(const char *text)
{
    int fd = stream_connect();
    start_broadcast("new\ns", NULL);
    int late = unix_client_connect_nonblocking(stream_path);
    stream_turn(10);
    stream_expect(fd, text, false);
    stream_expect(late, "", false);
    cr_assert_eq(job.targets, 1);
    cr_assert_eq(job.sent, 1);
    cr_assert_eq(job.skipped, 0);
    close(fd);
    close(late);
}

Test(stream_copies, a_broadcast_reaches_the_clients_that_are_connected_when_it_starts)
{
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    broadcast_news("new s\n");
    stream_fixture_close();
}

Test(stream_copies, under_chunk_a_broadcast_is_sent_as_it_is)
{
    stream_fixture_open_chunks(8, REPLY_ECHO, RELAY_OFF);
    broadcast_news("new\ns");
    stream_fixture_close();
}

Test(stream_copies, a_broadcast_with_a_block_reaches_tcp_clients_in_it_and_no_unix_client)
{
    struct client_selector selector = client_selector_all();
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int tcp = stream_connect_tcp(), unix_client = stream_connect();
    cr_assert_null(cidr_parse(&selector.blocks[selector.block_count++], "127.0.0.0/8"));
    broadcast(&selector);
    stream_expect(tcp, "news\n", false);
    stream_expect(unix_client, "", false);
    cr_assert_eq(job.targets, 1);
    cr_assert_eq(job.sent, 1);
    cr_assert_null(cidr_parse(&selector.blocks[0], "192.0.2.0/24"));
    broadcast(&selector);
    stream_expect(tcp, "", false);
    cr_assert_eq(job.targets, 0);
    cr_assert_eq(job.skipped, 0);
    close(tcp);
    close(unix_client);
    stream_fixture_close();
}

Test(stream_copies, a_broadcast_with_a_listener_reaches_its_clients_only)
{
    struct client_selector selector = client_selector_all();
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int tcp = stream_connect_tcp(), unix_client = stream_connect();
    selector.listeners = UINT64_C(1) << 3;
    broadcast(&selector);
    stream_expect(tcp, "", false);
    stream_expect(unix_client, "news\n", false);
    cr_assert_eq(job.targets, 1);
    close(tcp);
    close(unix_client);
    stream_fixture_close();
}
