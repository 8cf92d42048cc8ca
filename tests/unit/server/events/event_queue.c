/* Tests of server/events/event_queue in one thread: its size, its losses, and when it wakes. */
#include "server/events/event_queue.h"

#include "config/config.h"

#include <criterion/criterion.h>
#include <string.h>

static struct loop *loop;
static struct mailbox *mailbox;
static struct event_queue *queue;
static int woken;

static void on_events(struct mailbox_message *wake)
{
    cr_assert_eq((void *)wake, (void *)queue);
    woken++;
    event_queue_acknowledge(queue);
}

static void set_up(void)
{
    loop = loop_new();
    mailbox = mailbox_new(loop);
    cr_assert_eq(event_queue_open(&queue, 1000, mailbox, on_events, NULL), 0);
}

static void tear_down(void)
{
    mailbox_free(mailbox);
    event_queue_free(queue);
    loop_free(loop);
}

TestSuite(event_queue, .init = set_up, .fini = tear_down);

static bool publish(size_t size)
{
    struct event_record *record = event_queue_reserve(queue, size);
    if (record == NULL)
        return false;
    *record = (struct event_record){.size = (uint32_t)size};
    memset(record->bytes, 'x', size);
    event_queue_commit(queue);
    return true;
}

Test(event_queue, wakes_once_for_all_events_until_the_main_thread_has_looked)
{
    publish(1);
    publish(2);
    mailbox_handle_all(mailbox);
    cr_expect_eq(woken, 1);
    cr_expect_eq(event_queue_front(queue)->size, 1);
    event_queue_release(queue);
    publish(3);
    event_queue_lose(queue, 1);
    mailbox_handle_all(mailbox);
    cr_expect_eq(woken, 2);
    cr_expect_eq(event_queue_front(queue)->size, 2);
}

Test(event_queue, wakes_for_a_loss_without_a_message)
{
    event_queue_lose(queue, 1);
    mailbox_handle_all(mailbox);
    cr_expect_eq(woken, 1);
}

Test(event_queue, counts_a_loss_for_each_subscriber_that_had_wanted_the_event)
{
    const unsigned last = EVENT_SUBSCRIBERS_MAX - 1;
    event_queue_lose(queue, UINT64_C(1) << last | 1);
    event_queue_lose(queue, 1);
    cr_expect_eq(event_queue_lost(queue, 0), 2);
    cr_expect_eq(event_queue_lost(queue, 1), 0);
    cr_expect_eq(event_queue_lost(queue, last), 1);
}

Test(event_queue, holds_as_many_messages_of_64_bytes_as_its_header_says)
{
    int count = 0;
    while (publish(64))
        count++;
    cr_expect_geq(count, 29000);
    event_queue_release(queue); /* the oldest message: one more fits in its place */
    cr_expect(publish(64));
    cr_expect_not(publish(64));
}

Test(event_queue, has_room_for_at_least_eight_of_the_longest_messages)
{
    struct event_queue *large;
    static const uint32_t sizes[] = {1, 65507, 1 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        cr_assert_eq(event_queue_open(&large, sizes[i], mailbox, on_events, NULL), 0);
        cr_expect_geq(large->memory_bytes, EVENT_QUEUE_BYTES);
        for (int k = 0; k < 7; k++) {
            cr_assert_not_null(event_queue_reserve(large, sizes[i]), "%u bytes", sizes[i]);
            spsc_ring_commit(&large->ring);
        }
        event_queue_free(large);
    }
}

Test(event_queue, has_passed_a_mark_when_what_was_published_before_is_released)
{
    publish(1);
    uint64_t mark = event_queue_mark(queue);
    publish(1);
    cr_expect_not(event_queue_has_passed(queue, mark));
    event_queue_front(queue);
    event_queue_release(queue);
    cr_expect(event_queue_has_passed(queue, mark));
}

Test(event_queue, frees_nothing_without_a_queue)
{
    event_queue_free(NULL);
}
