/* Timers of an event loop: ticking, unsetting, changing the period. */
#include "os/loop/timer.h"

#include "os/process/clock.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <stdlib.h>

static struct loop *new_loop(void)
{
    struct loop *loop = loop_new();
    cr_assert_neq(loop, NULL);
    return loop;
}

static void stop(void *state)
{
    loop_stop(state);
}

/* Runs one round: what is ready now, without waiting. */
static void run_a_round(struct loop *loop)
{
    struct loop_task task = {.run = stop, .state = loop};
    loop_defer(loop, &task);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
}

struct ticks {
    struct loop *loop;
    struct loop_timer timer;
    int count;
    int stop_at;
};

static void tick(void *state)
{
    struct ticks *ticks = state;
    if (++ticks->count == ticks->stop_at)
        loop_stop(ticks->loop);
}

static void open_ticks(struct ticks *ticks, struct loop *loop, int stop_at)
{
    *ticks = (struct ticks){.loop = loop, .stop_at = stop_at};
    cr_assert_eq(loop_timer_open(loop, &ticks->timer, tick, ticks), 0);
}

/* Waits until the timer has expired, without running it. */
static void await_expiry(const struct ticks *ticks)
{
    struct pollfd wait = {.fd = ticks->timer.handler.fd, .events = POLLIN};
    cr_assert_eq(poll(&wait, 1, -1), 1);
}

Test(timer, ticks_each_period_and_never_early)
{
    struct loop *loop = new_loop();
    struct ticks ticks;
    open_ticks(&ticks, loop, 3);
    uint64_t start_ns = clock_now_ns();
    loop_timer_every(&ticks.timer, 5);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_geq(clock_now_ns() - start_ns, 15000000u);
    loop_timer_close(&ticks.timer);
    loop_free(loop);
}

Test(timer, counts_several_missed_ticks_as_one)
{
    struct loop *loop = new_loop();
    struct ticks often, late;
    open_ticks(&often, loop, -1);
    open_ticks(&late, loop, -1);
    loop_timer_once(&late.timer, 200000000);
    loop_timer_every(&often.timer, 50);
    await_expiry(&late);
    run_a_round(loop);
    cr_assert_eq(late.count, 1);
    cr_assert_eq(often.count, 1);
    loop_timer_close(&often.timer);
    loop_timer_close(&late.timer);
    loop_free(loop);
}

Test(timer, set_once_runs_once)
{
    struct loop *loop = new_loop();
    struct ticks once, later;
    open_ticks(&once, loop, -1);
    open_ticks(&later, loop, 5);
    loop_timer_once(&once.timer, 1);
    loop_timer_every(&later.timer, 2);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_eq(once.count, 1);
    loop_timer_close(&once.timer);
    loop_timer_close(&later.timer);
    loop_free(loop);
}

Test(timer, that_is_unset_does_not_run_even_if_it_had_expired)
{
    struct loop *loop = new_loop();
    struct ticks ticks;
    open_ticks(&ticks, loop, -1);
    loop_timer_once(&ticks.timer, 1);
    await_expiry(&ticks);
    loop_timer_once(&ticks.timer, 0);
    run_a_round(loop);
    cr_assert_eq(ticks.count, 0);
    loop_timer_close(&ticks.timer);
    loop_free(loop);
}

struct pair {
    struct ticks ticks;
    struct pair *other;
};

static void unset_the_other(void *state)
{
    struct pair *pair = state;
    pair->ticks.count++;
    loop_timer_once(&pair->other->ticks.timer, 0);
}

Test(timer, unset_by_another_of_its_round_does_not_run)
{
    struct loop *loop = new_loop();
    struct pair a = {0}, b = {.other = &a};
    a.other = &b;
    cr_assert_eq(loop_timer_open(loop, &a.ticks.timer, unset_the_other, &a), 0);
    cr_assert_eq(loop_timer_open(loop, &b.ticks.timer, unset_the_other, &b), 0);
    loop_timer_once(&a.ticks.timer, 1);
    loop_timer_once(&b.ticks.timer, 1);
    await_expiry(&a.ticks);
    await_expiry(&b.ticks);
    run_a_round(loop);
    cr_assert_eq(a.ticks.count + b.ticks.count, 1);
    loop_timer_close(&a.ticks.timer);
    loop_timer_close(&b.ticks.timer);
    loop_free(loop);
}

static void close_timer(void *state)
{
    struct ticks *ticks = state;
    struct loop *loop = ticks->loop;
    loop_timer_close(&ticks->timer);
    free(ticks);
    loop_stop(loop);
}

Test(timer, may_close_and_free_itself)
{
    struct loop *loop = new_loop();
    struct ticks *ticks = calloc(1, sizeof *ticks);
    ticks->loop = loop;
    cr_assert_eq(loop_timer_open(loop, &ticks->timer, close_timer, ticks), 0);
    loop_timer_every(&ticks->timer, 1);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    run_a_round(loop);
    loop_free(loop);
}

/* ---- A period that changes ---- */

struct period {
    struct loop *loop;
    struct loop_timer timer;
    uint64_t at_ns;
    int count;
};

static void tick_period(void *state)
{
    struct period *period = state;
    period->count++;
    period->at_ns = clock_now_ns();
    loop_stop(period->loop);
}

static void open_period(struct period *period, uint32_t period_ms)
{
    *period = (struct period){.loop = loop_new()};
    cr_assert_not_null(period->loop);
    cr_assert_eq(loop_timer_open(period->loop, &period->timer, tick_period, period), 0);
    loop_timer_every(&period->timer, period_ms);
}

static void close_period(struct period *period)
{
    loop_timer_close(&period->timer);
    loop_free(period->loop);
}

/* Changes the period repeatedly, each time before the timer could tick by its current period. */
static void change_until_due(struct period *period)
{
    struct pollfd wait = {.fd = period->timer.handler.fd, .events = POLLIN};
    for (uint32_t i = 0; poll(&wait, 1, 10) == 0; i++)
        loop_timer_change_period(&period->timer, i % 2 == 0 ? 150 : 100);
}

Test(timer, ticks_though_its_period_is_changed_more_often_than_it_ticks, .timeout = 10)
{
    struct period period;
    uint64_t start_ns = clock_now_ns();
    open_period(&period, 100);
    change_until_due(&period);
    cr_assert_eq(loop_run_until_stopped(period.loop), 0);
    cr_expect_geq(period.at_ns - start_ns, 100000000u);
    cr_expect_eq(period.count, 1);
    close_period(&period);
}

Test(timer, a_change_does_not_lose_a_tick_that_has_come, .timeout = 10)
{
    struct period period;
    open_period(&period, 1);
    cr_assert_eq(poll(&(struct pollfd){.fd = period.timer.handler.fd, .events = POLLIN}, 1, -1), 1);
    loop_timer_change_period(&period.timer, 3600000);
    cr_assert_eq(loop_run_until_stopped(period.loop), 0);
    cr_expect_eq(period.count, 1);
    close_period(&period);
}

Test(timer, a_longer_period_counts_from_the_last_tick_and_a_shorter_one_may_be_over, .timeout = 10)
{
    struct period period;
    uint64_t start_ns = clock_now_ns();
    open_period(&period, 3600000);
    poll(NULL, 0, 50);
    loop_timer_change_period(&period.timer, 200);
    cr_assert_eq(loop_run_until_stopped(period.loop), 0);
    cr_expect_geq(period.at_ns - start_ns, 199000000u);
    poll(NULL, 0, 50);
    start_ns = clock_now_ns();
    loop_timer_change_period(&period.timer, 40);
    cr_assert_eq(loop_run_until_stopped(period.loop), 0);
    cr_expect_lt(period.at_ns - start_ns, 40000000u, "it was due");
    close_period(&period);
}
