#include "os/loop/event_loop.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <unistd.h>

static void catch_signal(void *state, int signal)
{
    *(int *)state = signal;
}

static bool is_blocked(int signal)
{
    sigset_t mask;
    cr_assert_eq(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
    return sigismember(&mask, signal) == 1;
}

Test(event_loop_signals, are_blocked_until_they_are_given_back)
{
    int caught = 0;
    struct loop *loop = loop_new();
    cr_assert_not_null(loop);
    cr_assert_eq(loop_signals(loop, (int[]){SIGUSR1, 0}, catch_signal, &caught), 0);
    cr_expect(is_blocked(SIGUSR1));
    loop_signals_release(loop);
    cr_expect_not(is_blocked(SIGUSR1));
    loop_signals_release(loop);
    /* And may be taken again. */
    cr_assert_eq(loop_signals(loop, (int[]){SIGUSR1, 0}, catch_signal, &caught), 0);
    cr_expect(is_blocked(SIGUSR1));
    loop_signals_release(loop);
    loop_free(loop);
}

Test(event_loop_signals, of_a_loop_within_a_loop_stay_with_the_outer_one)
{
    int outer_caught = 0, inner_caught = 0;
    struct loop *outer = loop_new(), *inner = loop_new();
    cr_assert(outer && inner);
    cr_assert_eq(loop_signals(outer, (int[]){SIGUSR1, 0}, catch_signal, &outer_caught), 0);
    cr_assert_eq(loop_signals(inner, (int[]){SIGUSR1, SIGUSR2, 0}, catch_signal, &inner_caught), 0);
    loop_signals_release(inner);
    cr_expect(is_blocked(SIGUSR1));
    cr_expect_not(is_blocked(SIGUSR2));
    loop_free(inner);
    loop_signals_release(outer);
    loop_free(outer);
}

Test(event_loop_signals, are_seen_to_wait_before_they_are_caught)
{
    static const int others[] = {SIGUSR2, 0}, both[] = {SIGUSR2, SIGUSR1, 0};
    int caught = 0;
    struct loop *loop = loop_new();
    cr_assert_eq(loop_signals(loop, (int[]){SIGUSR1, 0}, catch_signal, &caught), 0);
    cr_expect_not(loop_signals_wait(both));
    kill(getpid(), SIGUSR1);
    cr_expect(loop_signals_wait(both));
    cr_expect_not(loop_signals_wait(others));
    cr_expect_eq(caught, 0);
    loop_free(loop);
}

/* Whether the loop takes a signal that is ignored. */
static bool takes_ignored(int number, bool heed)
{
    int caught = 0;
    struct loop *loop = loop_new();
    cr_assert_not_null(loop);
    signal(number, SIG_IGN);
    if (heed)
        loop_unignore_signal(number);
    cr_assert_eq(loop_signals(loop, (int[]){number, SIGUSR1, 0}, catch_signal, &caught), 0);
    bool taken = is_blocked(number);
    cr_expect(is_blocked(SIGUSR1));
    loop_signals_release(loop);
    loop_free(loop);
    return taken;
}

Test(event_loop_signals, that_end_a_session_stay_ignored)
{
    cr_expect_not(takes_ignored(SIGINT, false));
    cr_expect_not(takes_ignored(SIGHUP, false));
    cr_expect(takes_ignored(SIGTERM, false), "a program can always be stopped");
}

Test(event_loop_signals, that_mean_something_else_are_heeded)
{
    cr_expect(takes_ignored(SIGHUP, true));
}
