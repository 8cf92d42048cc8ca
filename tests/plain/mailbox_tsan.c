/* Mailboxes under ThreadSanitizer: four threads post 100,000 messages each to one event loop. It is
 * a program of its own because Criterion crashes when it is built with -fsanitize=thread. Prints
 * one line; exits with 0 if the messages of each sender were received in order and none is missing.
 */
#include "os/loop/mailbox.h"
#include "os/loop/thread.h"

#include <stdio.h>
#include <stdlib.h>

enum { SENDERS = 4, MESSAGES = 100000 };

struct receiver {
    struct loop *loop;
    struct mailbox *mailbox;
    int received;
    int out_of_order;
    int next_of[SENDERS];
};

struct numbered_message {
    struct mailbox_message mailbox_message;
    int sender;
    int number;
    struct receiver *receiver;
};

struct sender {
    struct receiver *receiver;
    int number;
    struct numbered_message *messages;
};

static void handle_message(struct mailbox_message *mailbox_message)
{
    const struct numbered_message *message = (const struct numbered_message *)mailbox_message;
    struct receiver *receiver = message->receiver;
    if (message->number != receiver->next_of[message->sender]++)
        receiver->out_of_order++;
    if (++receiver->received == SENDERS * MESSAGES)
        loop_stop(receiver->loop);
}

static void post_all(void *state)
{
    struct sender *sender = state;
    for (int i = 0; i < MESSAGES; i++) {
        sender->messages[i] = (struct numbered_message){
            {.handle = handle_message}, sender->number, i, sender->receiver};
        mailbox_post(sender->receiver->mailbox, &sender->messages[i].mailbox_message);
    }
}

int main(void)
{
    struct receiver receiver = {.loop = loop_new()};
    struct sender senders[SENDERS];
    struct thread *threads[SENDERS];

    receiver.mailbox = mailbox_new(receiver.loop);
    for (int i = 0; i < SENDERS; i++) {
        senders[i] =
            (struct sender){&receiver, i, calloc(MESSAGES, sizeof(struct numbered_message))};
        threads[i] = thread_start("sender", post_all, &senders[i]);
    }
    int error = loop_run_until_stopped(receiver.loop);
    for (int i = 0; i < SENDERS; i++)
        thread_join(threads[i]);
    mailbox_free(receiver.mailbox);
    loop_free(receiver.loop);
    for (int i = 0; i < SENDERS; i++)
        free(senders[i].messages);
    bool good = !error && receiver.received == SENDERS * MESSAGES && receiver.out_of_order == 0;
    printf("mailbox: %d messages of %d threads, %d out of order: %s\n", receiver.received, SENDERS,
           receiver.out_of_order, good ? "good" : "BAD");
    return good ? 0 : 1;
}
