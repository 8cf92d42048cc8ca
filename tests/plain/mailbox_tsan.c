/* Four threads post 100,000 letters each to one loop: to be built with -fsanitize=thread, under
 * which Criterion doesn't run. Prints one line; exit 0 if every sender's letters came in order and
 * none is missing. */
#include "os/loop/thread.h"

#include <stdio.h>
#include <stdlib.h>

enum { SENDERS = 4, LETTERS = 100000 };

struct office {
    struct loop *loop;
    struct mailbox *mailbox;
    int opened;
    int out_of_order;
    int next_of[SENDERS];
};

struct letter {
    struct mailbox_message mailbox_message;
    int sender;
    int number;
    struct office *office;
};

struct sender {
    struct office *office;
    int number;
    struct letter *letters;
};

static void open_letter(struct mailbox_message *mailbox_message)
{
    const struct letter *letter = (const struct letter *)mailbox_message;
    struct office *office = letter->office;
    if (letter->number != office->next_of[letter->sender]++)
        office->out_of_order++;
    if (++office->opened == SENDERS * LETTERS)
        loop_stop(office->loop);
}

static void post_all(void *state)
{
    struct sender *sender = state;
    for (int i = 0; i < LETTERS; i++) {
        sender->letters[i] =
            (struct letter){{.open = open_letter}, sender->number, i, sender->office};
        mailbox_post(sender->office->mailbox, &sender->letters[i].mailbox_message);
    }
}

int main(void)
{
    struct office office = {.loop = loop_new()};
    struct sender senders[SENDERS];
    struct thread *threads[SENDERS];

    office.mailbox = mailbox_new(office.loop);
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){&office, i, calloc(LETTERS, sizeof(struct letter))};
        threads[i] = thread_start("sender", post_all, &senders[i]);
    }
    int error = loop_run_until_stopped(office.loop);
    for (int i = 0; i < SENDERS; i++)
        thread_join(threads[i]);
    mailbox_free(office.mailbox);
    loop_free(office.loop);
    for (int i = 0; i < SENDERS; i++)
        free(senders[i].letters);
    bool good = !error && office.opened == SENDERS * LETTERS && office.out_of_order == 0;
    printf("mailbox: %d letters of %d threads, %d out of order: %s\n", office.opened, SENDERS,
           office.out_of_order, good ? "good" : "BAD");
    return good ? 0 : 1;
}
