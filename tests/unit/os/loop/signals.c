/* Signals as events of a loop, and signals that stay ignored. */
#include "os/loop/signals.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* A shell has its background processes ignore SIGINT, and a loop gets no signal that is ignored. */
static void set_up(void)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
}

TestSuite(signals, .init = set_up);

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

Test(signals, are_blocked_until_they_are_given_back)
{
    int caught = 0;
    struct loop *loop = loop_new();
    cr_assert_not_null(loop);
    cr_assert_eq(loop_signals_start(loop, (int[]){SIGUSR1, 0}, catch_signal, &caught), 0);
    cr_expect(is_blocked(SIGUSR1));
    loop_signals_stop(loop);
    cr_expect_not(is_blocked(SIGUSR1));
    loop_signals_stop(loop);
    /* They may be started again. */
    cr_assert_eq(loop_signals_start(loop, (int[]){SIGUSR1, 0}, catch_signal, &caught), 0);
    cr_expect(is_blocked(SIGUSR1));
    loop_signals_stop(loop);
    loop_free(loop);
}

Test(signals, of_a_loop_within_a_loop_stay_with_the_outer_one)
{
    int outer_caught = 0, inner_caught = 0;
    struct loop *outer = loop_new(), *inner = loop_new();
    cr_assert(outer && inner);
    cr_assert_eq(loop_signals_start(outer, (int[]){SIGUSR1, 0}, catch_signal, &outer_caught), 0);
    cr_assert_eq(
        loop_signals_start(inner, (int[]){SIGUSR1, SIGUSR2, 0}, catch_signal, &inner_caught), 0);
    loop_signals_stop(inner);
    cr_expect(is_blocked(SIGUSR1));
    cr_expect_not(is_blocked(SIGUSR2));
    loop_free(inner);
    loop_signals_stop(outer);
    loop_free(outer);
}

Test(signals, are_seen_to_wait_before_they_are_caught)
{
    static const int others[] = {SIGUSR2, 0}, both[] = {SIGUSR2, SIGUSR1, 0};
    int caught = 0;
    struct loop *loop = loop_new();
    cr_assert_eq(loop_signals_start(loop, (int[]){SIGUSR1, 0}, catch_signal, &caught), 0);
    cr_expect_not(loop_signals_are_pending(both));
    kill(getpid(), SIGUSR1);
    cr_expect(loop_signals_are_pending(both));
    cr_expect_not(loop_signals_are_pending(others));
    cr_expect_eq(caught, 0);
    loop_free(loop);
}

/* Whether the loop takes a signal that is ignored. */
static bool takes_ignored(int number, bool unignore)
{
    int caught = 0;
    struct loop *loop = loop_new();
    cr_assert_not_null(loop);
    signal(number, SIG_IGN);
    if (unignore)
        loop_signals_unignore(number);
    cr_assert_eq(loop_signals_start(loop, (int[]){number, SIGUSR1, 0}, catch_signal, &caught), 0);
    bool taken = is_blocked(number);
    cr_expect(is_blocked(SIGUSR1));
    loop_signals_stop(loop);
    loop_free(loop);
    return taken;
}

Test(signals, that_end_a_session_stay_ignored)
{
    cr_expect_not(takes_ignored(SIGINT, false));
    cr_expect_not(takes_ignored(SIGHUP, false));
    cr_expect(takes_ignored(SIGTERM, false), "a program can always be stopped");
}

Test(signals, that_mean_something_else_are_caught)
{
    cr_expect(takes_ignored(SIGHUP, true));
}

struct catcher {
    struct loop *loop;
    int caught[4];
    int count;
    int stop_at;
};

static void catch_in_order(void *state, int signal)
{
    struct catcher *catch = state;
    catch->caught[catch->count++] = signal;
    if (catch->count == catch->stop_at)
        loop_stop(catch->loop);
}

Test(signals, are_passed_to_the_callback_one_by_one)
{
    struct loop *loop = loop_new();
    struct catcher catch = {.loop = loop, .stop_at = 2};
    cr_assert_eq(loop_signals_start(loop, (int[]){SIGTERM, SIGHUP, 0}, catch_in_order, &catch), 0);
    kill(getpid(), SIGTERM);
    kill(getpid(), SIGHUP);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_eq(catch.caught[0] + catch.caught[1], SIGTERM + SIGHUP);
    loop_free(loop);
}

Test(signals, that_come_after_a_stop_stay_for_another_run)
{
    struct loop *loop = loop_new();
    struct catcher catch = {.loop = loop, .stop_at = 1};
    cr_assert_eq(loop_signals_start(loop, (int[]){SIGTERM, SIGHUP, 0}, catch_in_order, &catch), 0);
    kill(getpid(), SIGTERM);
    kill(getpid(), SIGHUP);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_eq(catch.count, 1);
    catch.stop_at = 2;
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_eq(catch.caught[0] + catch.caught[1], SIGTERM + SIGHUP);
    loop_free(loop);
}

Test(signals, broken_pipe_is_an_error_once_it_is_ignored)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    close(ends[0]);
    loop_ignore_broken_pipes();
    cr_assert_eq(write(ends[1], "x", 1), -1);
    cr_assert_eq(errno, EPIPE);
    close(ends[1]);
}

Test(signals, limit_of_file_sizes_is_an_error_once_it_is_ignored)
{
    const struct rlimit small = {.rlim_cur = 1, .rlim_max = RLIM_INFINITY};
    int file = memfd_create("test", MFD_CLOEXEC);
    cr_assert_geq(file, 0);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    loop_ignore_file_size_limit();
    cr_assert_eq(write(file, "xy", 2), 1);
    cr_assert_eq(write(file, "y", 1), -1);
    cr_assert_eq(errno, EFBIG);
    close(file);
}
