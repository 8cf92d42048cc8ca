#include "os/loop/event_loop.h"
#include "os/process/clock.h"

#include <criterion/criterion.h>
#include <poll.h>

struct ticks {
    struct loop *loop;
    struct loop_timer timer;
    uint64_t at_ns;
    int count;
};

static void tick(void *state)
{
    struct ticks *ticks = state;
    ticks->count++;
    ticks->at_ns = clock_now_ns();
    loop_stop(ticks->loop);
}

static void open_ticks(struct ticks *ticks, uint32_t period_ms)
{
    *ticks = (struct ticks){.loop = loop_new()};
    cr_assert_not_null(ticks->loop);
    cr_assert_eq(loop_timer_open(ticks->loop, &ticks->timer, tick, ticks), 0);
    loop_timer_every(&ticks->timer, period_ms);
}

static void close_ticks(struct ticks *ticks)
{
    loop_timer_close(&ticks->timer);
    loop_free(ticks->loop);
}

/* Changes the period on and on, each time before the timer could tick by the period it has then. */
static void change_until_due(struct ticks *ticks)
{
    struct pollfd wait = {.fd = ticks->timer.handler.fd, .events = POLLIN};
    for (uint32_t i = 0; poll(&wait, 1, 10) == 0; i++)
        loop_timer_change(&ticks->timer, i % 2 == 0 ? 150 : 100);
}

Test(event_loop_timer, ticks_though_its_period_is_changed_more_often_than_it_ticks, .timeout = 10)
{
    struct ticks ticks;
    uint64_t start_ns = clock_now_ns();
    open_ticks(&ticks, 100);
    change_until_due(&ticks);
    cr_assert_eq(loop_run_until_stopped(ticks.loop), 0);
    cr_expect_geq(ticks.at_ns - start_ns, 100000000u);
    cr_expect_eq(ticks.count, 1);
    close_ticks(&ticks);
}

Test(event_loop_timer, a_change_does_not_lose_a_tick_that_has_come, .timeout = 10)
{
    struct ticks ticks;
    open_ticks(&ticks, 1);
    cr_assert_eq(poll(&(struct pollfd){.fd = ticks.timer.handler.fd, .events = POLLIN}, 1, -1), 1);
    loop_timer_change(&ticks.timer, 3600000);
    cr_assert_eq(loop_run_until_stopped(ticks.loop), 0);
    cr_expect_eq(ticks.count, 1);
    close_ticks(&ticks);
}

Test(event_loop_timer, a_longer_period_counts_from_the_last_tick_and_a_shorter_one_may_be_over,
     .timeout = 10)
{
    struct ticks ticks;
    open_ticks(&ticks, 3600000);
    uint64_t start_ns = clock_now_ns();
    poll(NULL, 0, 50);
    loop_timer_change(&ticks.timer, 200);
    cr_assert_eq(loop_run_until_stopped(ticks.loop), 0);
    cr_expect_geq(ticks.at_ns - start_ns, 199000000u);
    poll(NULL, 0, 50);
    start_ns = clock_now_ns();
    loop_timer_change(&ticks.timer, 10);
    cr_assert_eq(loop_run_until_stopped(ticks.loop), 0);
    cr_expect_lt(ticks.at_ns - start_ns, 10000000u, "it was due");
    close_ticks(&ticks);
}
