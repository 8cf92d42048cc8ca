/* Threads: name, signal mask, pinning to a processor. */
#include "os/loop/thread.h"
#include "os/loop/mailbox.h"
#include "os/loop/timer.h"
#include "os/process/host.h"
#include "os/process/processor_count.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>

static struct loop *new_loop(void)
{
    struct loop *loop = loop_new();
    cr_assert_neq(loop, NULL);
    return loop;
}

struct attributes {
    char name[16];
    sigset_t mask;
};

static void read_attributes(void *state)
{
    struct attributes *attributes = state;
    pthread_getname_np(pthread_self(), attributes->name, sizeof attributes->name);
    pthread_sigmask(SIG_SETMASK, NULL, &attributes->mask);
}

Test(thread, runs_under_its_name)
{
    struct attributes attributes = {0};
    struct thread *thread = thread_start("worker-1", read_attributes, &attributes);
    cr_assert_neq(thread, NULL);
    thread_join(thread);
    cr_assert_str_eq(attributes.name, "worker-1");
}

Test(thread, name_too_long_is_truncated)
{
    struct attributes attributes = {0};
    thread_join(thread_start("a-name-beyond-the-fifteen", read_attributes, &attributes));
    cr_assert_str_eq(attributes.name, "a-name-beyond-t");
}

Test(thread, has_all_signals_blocked_and_the_starting_thread_none)
{
    struct attributes attributes = {0};
    sigset_t mine;
    thread_join(thread_start("worker", read_attributes, &attributes));
    pthread_sigmask(SIG_SETMASK, NULL, &mine);
    cr_assert(sigismember(&attributes.mask, SIGTERM));
    cr_assert(sigismember(&attributes.mask, SIGHUP));
    cr_assert(sigismember(&attributes.mask, SIGALRM));
    cr_assert_not(sigismember(&mine, SIGTERM));
}

struct pinned {
    struct loop *loop;
    struct mailbox *mailbox;
    struct mailbox_message stop;
    uint32_t processors, first;
};

static void run_and_read_processors(void *state)
{
    struct pinned *pinned = state;
    loop_run_until_stopped(pinned->loop);
    pinned->processors = processor_count();
    pinned->first = processor_count_nth(0);
}

static void stop(struct mailbox_message *message)
{
    loop_stop(((struct pinned *)(void *)((char *)message - offsetof(struct pinned, stop)))->loop);
}

Test(thread, stays_on_the_processor_that_it_is_pinned_to)
{
    for (uint32_t nth = 0; nth < processor_count(); nth++) {
        struct pinned pinned = {.loop = new_loop(), .stop = {.handle = stop}};
        pinned.mailbox = mailbox_new(pinned.loop);
        struct thread *thread = thread_start("worker", run_and_read_processors, &pinned);
        cr_assert_eq(thread_pin(thread, processor_count_nth(nth)), 0);
        mailbox_post(pinned.mailbox, &pinned.stop);
        thread_join(thread);
        cr_assert_eq(pinned.processors, 1);
        cr_assert_eq(pinned.first, processor_count_nth(nth));
        mailbox_free(pinned.mailbox);
        loop_free(pinned.loop);
    }
}

Test(thread, cannot_be_pinned_to_a_processor_that_is_not_there)
{
    struct pinned pinned = {.loop = new_loop(), .stop = {.handle = stop}};
    pinned.mailbox = mailbox_new(pinned.loop);
    struct thread *thread = thread_start("worker", run_and_read_processors, &pinned);
    cr_assert_eq(thread_pin(thread, 100000), -EINVAL);
    mailbox_post(pinned.mailbox, &pinned.stop);
    thread_join(thread);
    cr_assert_eq(pinned.processors, processor_count(), "it runs wherever it did");
    mailbox_free(pinned.mailbox);
    loop_free(pinned.loop);
}

static void count(void *state)
{
    (*(int *)state)++;
}

Test(thread, runs_again_what_it_is_given_when_it_waits)
{
    int first = 0, second = 0;
    struct thread *thread = thread_open("worker");
    cr_assert_neq(thread, NULL);
    thread_run(thread, count, &first);
    thread_await(thread);
    cr_expect_eq(first, 1);
    thread_run(thread, count, &second);
    thread_join(thread);
    cr_expect_eq(first, 1);
    cr_expect_eq(second, 1, "it ends only when that has returned");
}

Test(thread, that_was_never_run_can_be_awaited_and_joined)
{
    struct thread *thread = thread_open("worker");
    cr_assert_neq(thread, NULL);
    thread_await(thread);
    thread_join(thread);
    thread_join(NULL);
}
