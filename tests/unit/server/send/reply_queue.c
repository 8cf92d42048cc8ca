/* Replies that wait for a socket: order by interface, the shared memory, copies. */
#include "server/send/reply_queue.h"

#include "net/socket/socket_descriptor.h"
#include "net/socket/udp_socket.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <string.h>

static const struct addr anywhere = {.family = ADDR_NONE};

static struct reply_queue replies;
static struct interface_reply_queue queue, other;

static void set_up(void)
{
    cr_assert_eq(reply_queue_open(&replies, 64 << 10), 0);
    interface_reply_queue_init(&queue);
    interface_reply_queue_init(&other);
}

static void tear_down(void)
{
    reply_queue_close(&replies);
}

TestSuite(reply_queue, .init = set_up, .fini = tear_down);

static bool add(struct interface_reply_queue *to, const char *text)
{
    return reply_queue_add(&replies, to, &anywhere, &anywhere, text, strlen(text));
}

/* Expects the queue to send one datagram for each character, over a pair of sockets. */
static void expect_sent(const struct interface_reply_queue *from, const char *characters)
{
    struct addr at = {.family = ADDR_IPV4, .ip = {127, 0, 0, 1}}, to;
    struct udp_socket_options options = {.receive_buffer_bytes = 1 << 20};
    int receiver = udp_socket_open(&at, &options, &to), sender = udp_socket_connect(&to);
    cr_assert(receiver >= 0 && sender >= 0);
    struct batch *out = batch_new(0), *in = batch_new(16);
    reply_queue_fill(from, out);
    cr_assert_eq((size_t)batch_queued(out), strlen(characters));
    cr_assert_eq(batch_send(out, sender), 0);
    cr_assert_eq((size_t)batch_counts(out).sent, strlen(characters));
    for (size_t seen = 0; seen < strlen(characters);) {
        struct pollfd wait = {.fd = receiver, .events = POLLIN};
        cr_assert_eq(poll(&wait, 1, 10000), 1, "nothing came");
        int count = batch_receive(in, receiver);
        for (int i = 0; i < count; i++) {
            cr_assert_eq(batch_datagrams(in)[i].size, 1);
            cr_assert_eq(batch_datagrams(in)[i].bytes[0], characters[seen++]);
        }
        batch_clear(in);
    }
    batch_free(out);
    batch_free(in);
    socket_close(receiver);
    socket_close(sender);
}

Test(reply_queue, sends_the_replies_of_each_interface_in_order)
{
    cr_assert(add(&queue, "a") && add(&other, "x") && add(&queue, "b") && add(&other, "y"));
    cr_assert_eq(queue.count, 2);
    expect_sent(&queue, "ab");
    expect_sent(&other, "xy");
    reply_queue_remove(&replies, &queue, 1);
    expect_sent(&queue, "b");
    expect_sent(&other, "xy");
    cr_assert(add(&queue, "c"));
    expect_sent(&queue, "bc");
}

Test(reply_queue, fills_at_most_one_batch)
{
    char characters[BATCH_MAX + 1] = {0};
    memset(characters, 'z', BATCH_MAX);
    for (int i = 0; i < BATCH_MAX + 10; i++)
        cr_assert(add(&queue, "z"));
    expect_sent(&queue, characters);
    reply_queue_remove(&replies, &queue, BATCH_MAX);
    expect_sent(&queue, "zzzzzzzzzz");
}

Test(reply_queue, adds_nothing_to_a_full_memory_until_some_are_removed)
{
    int count = 0;
    while (add(&queue, "r"))
        count++;
    cr_assert_gt(count, 100);
    cr_assert_eq(queue.count, (uint64_t)count);
    cr_assert_not(add(&other, "r"));
    reply_queue_remove(&replies, &queue, 1);
    cr_assert(add(&other, "r"));
    reply_queue_remove(&replies, &queue, count - 1);
    cr_assert_null(queue.first);
    cr_assert(add(&queue, "s"));
    expect_sent(&queue, "s");
}

Test(reply_queue, keeps_copies)
{
    char text[] = "k";
    cr_assert(add(&queue, text));
    text[0] = '!';
    expect_sent(&queue, "k");
}

Test(reply_queue, adds_nothing_without_memory)
{
    struct reply_queue none = {.memory = NULL};
    cr_assert_not(reply_queue_add(&none, &queue, &anywhere, &anywhere, "x", 1));
    cr_assert_eq(queue.count, 0);
    reply_queue_close(&none);
}
