/* Tests of server/names/name_queue in one thread: its order, its limit, and when it wakes. */
#include "server/names/name_queue.h"

#include <criterion/criterion.h>

static struct loop *loop;
static struct mailbox *mailbox;
static struct name_queue *queue;
static _Atomic uint64_t numbers;
static int woken;

enum { SLOTS = 20000 };

static void on_claims(struct mailbox_message *wake)
{
    cr_assert_eq((void *)wake, (void *)queue);
    woken++;
    name_queue_acknowledge(queue);
}

static void set_up(void)
{
    loop = loop_new();
    mailbox = mailbox_new(loop);
    cr_assert_eq(name_queue_open(&queue, mailbox, &numbers, SLOTS, on_claims, NULL), 0);
}

static void tear_down(void)
{
    mailbox_free(mailbox);
    name_queue_free(queue);
    loop_free(loop);
}

TestSuite(name_queue, .init = set_up, .fini = tear_down);

static bool add(uint64_t number)
{
    return name_queue_add(queue,
                          &(struct name_claim){.check_ms = number, .slot = (uint32_t)number});
}

Test(name_queue, passes_claims_on_in_their_order)
{
    cr_assert_null(name_queue_front(queue));
    for (uint64_t i = 0; i < 100; i++)
        cr_assert(add(i));
    for (uint64_t i = 0; i < 100; i++) {
        cr_assert_eq(name_queue_front(queue)->check_ms, i);
        name_queue_release(queue);
    }
    cr_assert_null(name_queue_front(queue));
}

Test(name_queue, passes_a_client_that_is_gone_on_after_what_it_has_claimed)
{
    const struct addr source = {.family = ADDR_IPV4, .ip = {192, 0, 2, 1}, .port = 7};
    const struct client_key key = client_key_of(3, &source);
    add(1);
    name_queue_add_gone(queue, &key, 2, 17, 99);
    cr_assert_not(name_queue_front(queue)->is_gone);
    name_queue_release(queue);
    const struct name_claim *gone = name_queue_front(queue);
    cr_assert(gone->is_gone);
    cr_assert(client_key_equal(&gone->holder.key, &key));
    cr_assert_eq(gone->holder.worker, 2);
    cr_assert_eq(gone->holder.join_number, 17);
    cr_assert_eq(gone->events_mark, 99);
}

Test(name_queue, wakes_once_until_it_is_looked_at)
{
    add(1);
    add(2);
    mailbox_handle_all(mailbox);
    cr_assert_eq(woken, 1);
    mailbox_handle_all(mailbox);
    cr_assert_eq(woken, 1);
    add(3);
    mailbox_handle_all(mailbox);
    cr_assert_eq(woken, 2);
}

Test(name_queue, refuses_a_claim_without_room_and_takes_one_when_there_is_room_again)
{
    uint64_t count = 0;
    while (add(count))
        count++;
    cr_assert_gt(count, 5000);
    cr_assert_lt(count, NAME_QUEUE_BYTES / 64);
    cr_assert_not(add(count));
    for (int i = 0; i < 2; i++) {
        cr_assert_not_null(name_queue_front(queue));
        name_queue_release(queue);
    }
    cr_assert(add(count), "a claim that was not taken leaves no bit");
}

Test(name_queue, takes_one_claim_of_a_client_until_it_is_decided)
{
    cr_assert(add(7));
    cr_assert_not(add(7));
    cr_assert(add(8), "the bit is that of one slot");
    name_queue_release(queue);
    cr_assert_not(add(7), "it was taken by the main thread, and is not decided");
    name_queue_end(queue, 7);
    cr_assert(add(7));
    cr_assert_not(add(8));
    cr_assert(add(SLOTS - 1));
}

Test(name_queue, numbers_claims_and_removals_in_one_sequence)
{
    add(1);
    uint64_t removal = name_queue_number(queue);
    add(2);
    uint64_t first = name_queue_front(queue)->holder.number;
    name_queue_release(queue);
    cr_assert_lt(first, removal);
    cr_assert_lt(removal, name_queue_front(queue)->holder.number);
}
