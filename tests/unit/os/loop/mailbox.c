/* Mailboxes: messages between threads, their order, and what is left when a mailbox is freed. */
#include "os/loop/mailbox.h"

#include "os/loop/thread.h"
#include "os/loop/timer.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct loop *new_loop(void)
{
    struct loop *loop = loop_new();
    cr_assert_neq(loop, NULL);
    return loop;
}

enum { SENDERS = 4, MESSAGES = 1000 };

struct receiver {
    struct loop *loop;
    struct mailbox *mailbox;
    int handled;
    int expected;
    int next_of[SENDERS];
};

struct numbered {
    struct mailbox_message message;
    struct receiver *receiver;
    int sender;
    int number;
};

static void handle_numbered(struct mailbox_message *message)
{
    struct numbered *numbered = (struct numbered *)message;
    struct receiver *receiver = numbered->receiver;
    cr_assert_eq(numbered->number, receiver->next_of[numbered->sender]++);
    free(numbered);
    if (++receiver->handled == receiver->expected)
        loop_stop(receiver->loop);
}

static void post(struct receiver *receiver, int sender, int number)
{
    struct numbered *numbered = malloc(sizeof *numbered);
    *numbered = (struct numbered){{.handle = handle_numbered}, receiver, sender, number};
    mailbox_post(receiver->mailbox, &numbered->message);
}

static void open_receiver(struct receiver *receiver, int expected)
{
    *receiver = (struct receiver){.loop = new_loop(), .expected = expected};
    receiver->mailbox = mailbox_new(receiver->loop);
    cr_assert_neq(receiver->mailbox, NULL);
}

static void close_receiver(struct receiver *receiver)
{
    mailbox_free(receiver->mailbox);
    loop_free(receiver->loop);
}

Test(mailbox, handles_messages_in_the_order_of_posting)
{
    struct receiver receiver;
    open_receiver(&receiver, MESSAGES);
    for (int i = 0; i < MESSAGES; i++)
        post(&receiver, 0, i);
    cr_assert_eq(receiver.handled, 0);
    cr_assert_eq(loop_run_until_stopped(receiver.loop), 0);
    cr_assert_eq(receiver.handled, MESSAGES);
    close_receiver(&receiver);
}

Test(mailbox, handles_all_messages_without_its_loop)
{
    struct receiver receiver;
    open_receiver(&receiver, MESSAGES);
    for (int i = 0; i < MESSAGES; i++)
        post(&receiver, 0, i);
    mailbox_handle_all(receiver.mailbox);
    cr_assert_eq(receiver.handled, MESSAGES);
    close_receiver(&receiver);
}

struct sender {
    struct receiver *receiver;
    int number;
};

static void post_many(void *state)
{
    struct sender *sender = state;
    for (int i = 0; i < MESSAGES; i++)
        post(sender->receiver, sender->number, i);
}

Test(mailbox, loses_no_message_of_several_senders)
{
    struct receiver receiver;
    struct sender senders[SENDERS];
    struct thread *threads[SENDERS];
    open_receiver(&receiver, SENDERS * MESSAGES);
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){&receiver, i};
        threads[i] = thread_start("sender", post_many, &senders[i]);
        cr_assert_neq(threads[i], NULL);
    }
    cr_assert_eq(loop_run_until_stopped(receiver.loop), 0);
    for (int i = 0; i < SENDERS; i++)
        thread_join(threads[i]);
    cr_assert_eq(receiver.handled, SENDERS * MESSAGES);
    close_receiver(&receiver);
}

Test(mailbox, handles_queued_messages_when_it_is_freed)
{
    struct receiver receiver;
    open_receiver(&receiver, -1);
    for (int i = 0; i < MESSAGES; i++)
        post(&receiver, 0, i);
    mailbox_free(receiver.mailbox);
    cr_assert_eq(receiver.handled, MESSAGES);
    loop_free(receiver.loop);
}

static void stop(void *state)
{
    loop_stop(state);
}

Test(mailbox, handles_messages_that_a_stopped_loop_had_taken_when_it_is_freed)
{
    struct receiver receiver;
    open_receiver(&receiver, 1);
    for (int i = 0; i < MESSAGES; i++)
        post(&receiver, 0, i);
    cr_assert_eq(loop_run_until_stopped(receiver.loop), 0);
    cr_assert_lt(receiver.handled, MESSAGES);
    post(&receiver, 0, MESSAGES);
    mailbox_free(receiver.mailbox);
    cr_assert_eq(receiver.handled, MESSAGES + 1);
    loop_free(receiver.loop);
}

/* A message that is posted again each time it is handled. */
struct repeated {
    struct mailbox_message message;
    struct mailbox *mailbox;
    int handled;
    int left;
};

static void handle_repeated(struct mailbox_message *message)
{
    struct repeated *repeated = (struct repeated *)message;
    repeated->handled++;
    if (repeated->left-- > 0)
        mailbox_post(repeated->mailbox, message);
}

Test(mailbox, lets_timers_run_during_a_flood_of_messages)
{
    struct loop *loop = new_loop();
    struct repeated repeated = {.message = {.handle = handle_repeated}, .left = 1 << 30};
    struct loop_timer timer;
    repeated.mailbox = mailbox_new(loop);
    cr_assert_neq(repeated.mailbox, NULL);
    cr_assert_eq(loop_timer_open(loop, &timer, stop, loop), 0);
    mailbox_post(repeated.mailbox, &repeated.message);
    loop_timer_once(&timer, 1000000);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_gt(repeated.handled, 1);
    loop_timer_close(&timer);
    repeated.left = 3;
    mailbox_free(repeated.mailbox);
    cr_assert_eq(repeated.left, -1);
    loop_free(loop);
}

/* ---- all at once ---- */

Test(mailbox, all_messages_are_handled_without_the_loop_and_their_number_does_not_matter)
{
    struct receiver receiver;
    open_receiver(&receiver, -1);
    for (int i = 0; i < 200; i++)
        post(&receiver, 0, i);
    cr_expect(mailbox_handle_all(receiver.mailbox));
    cr_expect_eq(receiver.handled, 200);
    cr_expect_not(mailbox_handle_all(receiver.mailbox));
    close_receiver(&receiver);
}

Test(mailbox, the_loop_goes_on_with_what_is_posted_after_all_were_handled)
{
    struct receiver receiver;
    open_receiver(&receiver, 2);
    post(&receiver, 0, 0);
    mailbox_handle_all(receiver.mailbox);
    post(&receiver, 0, 1);
    cr_assert_eq(loop_run_until_stopped(receiver.loop), 0);
    cr_expect_eq(receiver.handled, 2);
    close_receiver(&receiver);
}
