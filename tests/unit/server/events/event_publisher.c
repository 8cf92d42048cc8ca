/* Tests of server/events/event_publisher: who gets an event, and what is counted as lost. */
#include "server/events/event_publisher.h"

#include <criterion/criterion.h>
#include <string.h>

#define BIT(n) (UINT64_C(1) << (n))

static struct loop *loop;
static struct mailbox *mailbox;
static struct event_queue *queue;
static struct stats stats;
static struct event_publisher publisher;
static const struct client near = {.source = {.ip = {10, 0, 0, 1}, .port = 7, .family = ADDR_IPV4},
                                   .listener = 2,
                                   .slot = 5,
                                   .idle_ms = 40};
static const struct client far = {.source = {.ip = {192, 0, 2, 1}, .port = 7, .family = ADDR_IPV4},
                                  .listener = 3};

static void on_events(struct mailbox_message *wake)
{
    (void)wake;
    event_queue_acknowledge(queue);
}

static void set_up(void)
{
    loop = loop_new();
    mailbox = mailbox_new(loop);
    cr_assert_eq(event_queue_open(&queue, 100, mailbox, on_events, NULL), 0);
    publisher = (struct event_publisher){.queue = queue, .stats = &stats};
}

static void tear_down(void)
{
    mailbox_free(mailbox);
    event_queue_free(queue);
    loop_free(loop);
}

TestSuite(event_publisher, .init = set_up, .fini = tear_down);

static void add(unsigned subscriber, uint32_t kinds)
{
    const struct event_filter filter = {.kinds = kinds, .selector = client_selector_all()};
    event_publisher_add(&publisher, subscriber, &filter);
}

static void add_selective(unsigned subscriber, uint32_t kinds, uint8_t listener)
{
    struct event_filter filter = {.kinds = kinds, .selector = client_selector_all()};
    filter.selector.listeners = BIT(listener);
    event_publisher_add(&publisher, subscriber, &filter);
}

static void publish_message(const struct client *client, const char *text)
{
    event_publisher_publish(&publisher, &(struct event){.kind = EVENT_MESSAGE,
                                                        .client = client,
                                                        .bytes = (const uint8_t *)text,
                                                        .size = strlen(text),
                                                        .now_ms = 1234});
}

/* Returns the subscribers of the next event, 0: there is none. */
static uint64_t next(void)
{
    const struct event_record *record = event_queue_front(queue);
    if (record == NULL)
        return 0;
    uint64_t subscribers = record->subscribers;
    event_queue_release(queue);
    return subscribers;
}

Test(event_publisher, wants_nothing_without_a_subscriber)
{
    for (unsigned kind = 0; kind < EVENT_KINDS; kind++)
        cr_expect_not(event_publisher_wants(&publisher, kind));
    publish_message(&near, "hi");
    event_publisher_client(&publisher, EVENT_JOINED, EVENT_REASON_NONE, &near, 1);
    cr_expect_null(event_queue_front(queue));
}

Test(event_publisher, publishes_a_kind_to_those_who_want_it)
{
    add(0, BIT(EVENT_MESSAGE));
    add(47, BIT(EVENT_MESSAGE) | BIT(EVENT_LEFT));
    add(5, BIT(EVENT_LEFT));
    publish_message(&near, "hi");
    event_publisher_client(&publisher, EVENT_LEFT, EVENT_REASON_NONE, &near, 1);
    event_publisher_client(&publisher, EVENT_JOINED, EVENT_REASON_NONE, &near, 1);
    cr_expect_eq(next(), BIT(0) | BIT(47));
    cr_expect_eq(next(), BIT(5) | BIT(47));
    cr_expect_eq(next(), 0);
}

Test(event_publisher, records_the_whole_event)
{
    add(0, BIT(EVENT_MESSAGE) | BIT(EVENT_REFUSED));
    publish_message(&near, "good morning");
    const struct event_record *record = event_queue_front(queue);
    cr_expect_eq(record->time_ms, 1234);
    cr_expect(addr_equal(&record->source, &near.source));
    cr_expect_eq(record->number, 5);
    cr_expect_eq(record->listener, 2);
    cr_expect_eq(record->kind, EVENT_MESSAGE);
    cr_expect_eq(record->reason, EVENT_REASON_NONE);
    cr_expect_eq(record->size, 12);
    cr_expect_arr_eq(record->bytes, "good morning", 12);
    event_queue_release(queue);
    event_publisher_client(&publisher, EVENT_REFUSED, EVENT_REASON_PREFIX, &far, 99);
    record = event_queue_front(queue);
    cr_expect_eq(record->reason, EVENT_REASON_PREFIX);
    cr_expect_eq(record->size, 0);
    cr_expect_eq(record->time_ms, 99);
}

Test(event_publisher, asks_the_selectors_of_those_who_have_one)
{
    add(0, BIT(EVENT_MESSAGE));
    add_selective(1, BIT(EVENT_MESSAGE), 2);
    add_selective(2, BIT(EVENT_MESSAGE), 3);
    publish_message(&near, "hi");
    publish_message(&far, "hi");
    cr_expect_eq(next(), BIT(0) | BIT(1));
    cr_expect_eq(next(), BIT(0) | BIT(2));
}

Test(event_publisher, copies_nothing_that_no_selector_matches)
{
    add_selective(1, BIT(EVENT_MESSAGE), 9);
    publish_message(&near, "hi");
    cr_expect_null(event_queue_front(queue));
    cr_expect_eq(stats.listen_lost, 0);
}

Test(event_publisher, does_not_keep_a_selector_or_kind_for_the_next_user_of_a_number)
{
    add_selective(1, BIT(EVENT_MESSAGE) | BIT(EVENT_LEFT), 9);
    add(2, BIT(EVENT_LEFT));
    event_publisher_remove(&publisher, 1);
    cr_expect_not(event_publisher_wants(&publisher, EVENT_MESSAGE));
    cr_expect(event_publisher_wants(&publisher, EVENT_LEFT));
    add(1, BIT(EVENT_MESSAGE));
    publish_message(&near, "hi");
    cr_expect_eq(next(), BIT(1));
    event_publisher_client(&publisher, EVENT_LEFT, EVENT_REASON_NONE, &near, 1);
    cr_expect_eq(next(), BIT(2));
}

Test(event_publisher, counts_what_does_not_fit_once_for_each_who_wanted_it)
{
    uint64_t published = 0;
    add(0, BIT(EVENT_MESSAGE));
    add(1, BIT(EVENT_MESSAGE));
    add_selective(2, BIT(EVENT_MESSAGE), 3);
    add(3, BIT(EVENT_LEFT));
    while (stats.listen_lost == 0) {
        publish_message(&near, "a message that fills the queue");
        published++;
    }
    publish_message(&far, "lost, too");
    published++;
    cr_expect_eq(stats.listen_lost, 2 + 3);
    cr_expect_eq(stats.listen_messages, published);
    cr_expect_eq(stats.listen_events, 0);
    cr_expect_eq(event_queue_lost(queue, 0), 2);
    cr_expect_eq(event_queue_lost(queue, 1), 2);
    cr_expect_eq(event_queue_lost(queue, 2), 1);
    cr_expect_eq(event_queue_lost(queue, 3), 0);
    uint64_t delivered = 0;
    while (next() != 0)
        delivered++;
    cr_expect_eq(delivered + 2, published);
}
