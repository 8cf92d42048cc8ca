#include "os/loop/thread.h"
#include "os/process/host.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static struct loop *new_loop(void)
{
    struct loop *loop = loop_new();
    cr_assert_neq(loop, NULL);
    return loop;
}

/* ---- Threads ---- */

struct seen {
    char name[16];
    sigset_t mask;
};

static void look(void *state)
{
    struct seen *seen = state;
    pthread_getname_np(pthread_self(), seen->name, sizeof seen->name);
    pthread_sigmask(SIG_SETMASK, NULL, &seen->mask);
}

Test(thread, runs_under_its_name)
{
    struct seen seen = {0};
    struct thread *thread = thread_start("worker-1", look, &seen);
    cr_assert_neq(thread, NULL);
    thread_join(thread);
    cr_assert_str_eq(seen.name, "worker-1");
}

Test(thread, name_too_long_is_cut)
{
    struct seen seen = {0};
    thread_join(thread_start("a-name-beyond-the-fifteen", look, &seen));
    cr_assert_str_eq(seen.name, "a-name-beyond-t");
}

Test(thread, has_all_signals_blocked_and_its_maker_none)
{
    struct seen seen = {0};
    sigset_t mine;
    thread_join(thread_start("worker", look, &seen));
    pthread_sigmask(SIG_SETMASK, NULL, &mine);
    cr_assert(sigismember(&seen.mask, SIGTERM));
    cr_assert(sigismember(&seen.mask, SIGHUP));
    cr_assert(sigismember(&seen.mask, SIGALRM));
    cr_assert_not(sigismember(&mine, SIGTERM));
}

struct place {
    struct loop *loop;
    struct mailbox *mailbox;
    struct mailbox_message leave;
    uint32_t processors, first;
};

static void look_around(void *state)
{
    struct place *place = state;
    loop_run_until_stopped(place->loop);
    place->processors = host_processors();
    place->first = host_processor(0);
}

static void leave(struct mailbox_message *mailbox_message)
{
    loop_stop(
        ((struct place *)(void *)((char *)mailbox_message - offsetof(struct place, leave)))->loop);
}

Test(thread, stays_on_the_processor_that_it_is_pinned_to)
{
    for (uint32_t nth = 0; nth < host_processors(); nth++) {
        struct place place = {.loop = new_loop(), .leave = {.open = leave}};
        place.mailbox = mailbox_new(place.loop);
        struct thread *thread = thread_start("worker", look_around, &place);
        cr_assert_eq(thread_pin(thread, host_processor(nth)), 0);
        mailbox_post(place.mailbox, &place.leave);
        thread_join(thread);
        cr_assert_eq(place.processors, 1);
        cr_assert_eq(place.first, host_processor(nth));
        mailbox_free(place.mailbox);
        loop_free(place.loop);
    }
}

Test(thread, cannot_be_pinned_to_a_processor_that_is_not_there)
{
    struct place place = {.loop = new_loop(), .leave = {.open = leave}};
    place.mailbox = mailbox_new(place.loop);
    struct thread *thread = thread_start("worker", look_around, &place);
    cr_assert_eq(thread_pin(thread, 100000), -EINVAL);
    mailbox_post(place.mailbox, &place.leave);
    thread_join(thread);
    cr_assert_eq(place.processors, host_processors(), "it runs wherever it did");
    mailbox_free(place.mailbox);
    loop_free(place.loop);
}

/* ---- Mail ---- */

enum { SENDERS = 4, LETTERS = 1000 };

struct office {
    struct loop *loop;
    struct mailbox *mailbox;
    int opened;
    int expected;
    int next_of[SENDERS];
};

struct letter {
    struct mailbox_message mailbox_message;
    struct office *office;
    int sender;
    int number;
};

static void open_letter(struct mailbox_message *mailbox_message)
{
    struct letter *letter = (struct letter *)mailbox_message;
    struct office *office = letter->office;
    cr_assert_eq(letter->number, office->next_of[letter->sender]++);
    free(letter);
    if (++office->opened == office->expected)
        loop_stop(office->loop);
}

static void post(struct office *office, int sender, int number)
{
    struct letter *letter = malloc(sizeof *letter);
    *letter = (struct letter){{.open = open_letter}, office, sender, number};
    mailbox_post(office->mailbox, &letter->mailbox_message);
}

static void open_office(struct office *office, int expected)
{
    *office = (struct office){.loop = new_loop(), .expected = expected};
    office->mailbox = mailbox_new(office->loop);
    cr_assert_neq(office->mailbox, NULL);
}

static void close_office(struct office *office)
{
    mailbox_free(office->mailbox);
    loop_free(office->loop);
}

Test(thread, letters_are_opened_in_the_order_of_posting)
{
    struct office office;
    open_office(&office, LETTERS);
    for (int i = 0; i < LETTERS; i++)
        post(&office, 0, i);
    cr_assert_eq(office.opened, 0);
    cr_assert_eq(loop_run_until_stopped(office.loop), 0);
    cr_assert_eq(office.opened, LETTERS);
    close_office(&office);
}

struct sender {
    struct office *office;
    int number;
};

static void post_many(void *state)
{
    struct sender *sender = state;
    for (int i = 0; i < LETTERS; i++)
        post(sender->office, sender->number, i);
}

Test(thread, no_letter_of_several_senders_is_lost)
{
    struct office office;
    struct sender senders[SENDERS];
    struct thread *threads[SENDERS];
    open_office(&office, SENDERS * LETTERS);
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){&office, i};
        threads[i] = thread_start("sender", post_many, &senders[i]);
        cr_assert_neq(threads[i], NULL);
    }
    cr_assert_eq(loop_run_until_stopped(office.loop), 0);
    for (int i = 0; i < SENDERS; i++)
        thread_join(threads[i]);
    cr_assert_eq(office.opened, SENDERS * LETTERS);
    close_office(&office);
}

Test(thread, freed_mailbox_opens_what_is_left)
{
    struct office office;
    open_office(&office, -1);
    for (int i = 0; i < LETTERS; i++)
        post(&office, 0, i);
    mailbox_free(office.mailbox);
    cr_assert_eq(office.opened, LETTERS);
    loop_free(office.loop);
}

static void stop(void *state)
{
    loop_stop(state);
}

Test(thread, freed_mailbox_opens_what_a_stopped_loop_had_begun)
{
    struct office office;
    open_office(&office, 1);
    for (int i = 0; i < LETTERS; i++)
        post(&office, 0, i);
    cr_assert_eq(loop_run_until_stopped(office.loop), 0);
    cr_assert_lt(office.opened, LETTERS);
    post(&office, 0, LETTERS);
    mailbox_free(office.mailbox);
    cr_assert_eq(office.opened, LETTERS + 1);
    loop_free(office.loop);
}

/* A letter that goes back into the box whenever it is opened. */
struct circular {
    struct mailbox_message mailbox_message;
    struct mailbox *mailbox;
    int opened;
    int left;
};

static void post_again(struct mailbox_message *mailbox_message)
{
    struct circular *letter = (struct circular *)mailbox_message;
    letter->opened++;
    if (letter->left-- > 0)
        mailbox_post(letter->mailbox, mailbox_message);
}

Test(thread, flood_of_letters_starves_no_event)
{
    struct loop *loop = new_loop();
    struct circular letter = {.mailbox_message = {.open = post_again}, .left = 1 << 30};
    struct loop_timer timer;
    letter.mailbox = mailbox_new(loop);
    cr_assert_neq(letter.mailbox, NULL);
    cr_assert_eq(loop_timer_open(loop, &timer, stop, loop), 0);
    mailbox_post(letter.mailbox, &letter.mailbox_message);
    loop_timer_once(&timer, 1000000);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_gt(letter.opened, 1);
    loop_timer_close(&timer);
    letter.left = 3;
    mailbox_free(letter.mailbox);
    cr_assert_eq(letter.left, -1);
    loop_free(loop);
}
