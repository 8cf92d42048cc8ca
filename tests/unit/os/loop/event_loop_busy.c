#include "os/loop/event_loop.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* A handler at one end of a pair of sockets, and a task that counts the rounds of the loop. */
struct bench {
    struct loop *loop;
    struct loop_handler handler;
    struct loop_task round;
    int ends[2];
    int rounds, last_round; /* the one to stop behind */
    int calls;
    unsigned events; /* of all calls together */
    void (*then)(struct bench *bench);
};

static struct bench bench;

static void on_ready(void *state, unsigned events)
{
    struct bench *me = state;
    me->calls++;
    me->events |= events;
    if (me->then != NULL)
        me->then(me);
}

static void count_round(void *state)
{
    struct bench *me = state;
    if (++me->rounds == me->last_round)
        loop_stop(me->loop);
    else
        loop_defer(me->loop, &me->round);
}

static void set_up(void)
{
    bench = (struct bench){.loop = loop_new()};
    cr_assert_not_null(bench.loop);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, bench.ends), 0);
    cr_assert_eq(loop_add(bench.loop, &bench.handler, bench.ends[0], LOOP_READ, on_ready, &bench),
                 0);
    bench.round = (struct loop_task){.run = count_round, .state = &bench};
}

static void tear_down(void)
{
    loop_remove(&bench.handler);
    loop_free(bench.loop);
    close(bench.ends[0]);
    close(bench.ends[1]);
}

TestSuite(event_loop_busy, .init = set_up, .fini = tear_down, .timeout = 60);

static void say(void)
{
    cr_assert_eq(write(bench.ends[1], "x", 1), 1);
}

static void take(struct bench *me)
{
    char byte;
    while (read(me->ends[0], &byte, 1) == 1)
        continue;
    cr_assert_eq(errno, EAGAIN);
}

/* So many rounds, of which none waits. */
static void run_rounds(int count)
{
    bench.rounds = bench.calls = 0;
    bench.events = 0;
    bench.last_round = count;
    loop_defer(bench.loop, &bench.round);
    cr_assert_eq(loop_run_until_stopped(bench.loop), 0);
}

Test(event_loop_busy, handler_is_called_in_each_round_whether_there_is_anything_or_not)
{
    loop_busy(&bench.handler);
    run_rounds(5);
    cr_assert_eq(bench.calls, 5);
    cr_assert_eq(bench.events, LOOP_READ);
}

Test(event_loop_busy, handler_is_not_called_twice_for_what_it_has_left)
{
    say();
    loop_busy(&bench.handler);
    run_rounds(5);
    cr_assert_eq(bench.calls, 5);
}

Test(event_loop_busy, handler_that_is_idle_again_waits_for_what_comes)
{
    loop_busy(&bench.handler);
    loop_idle(&bench.handler);
    run_rounds(3);
    cr_assert_eq(bench.calls, 0);
    say();
    bench.then = take;
    run_rounds(3);
    cr_assert_eq(bench.calls, 1);
}

static void go_idle(struct bench *me)
{
    loop_idle(&me->handler);
    me->then = take;
}

Test(event_loop_busy, handler_misses_nothing_that_came_before_it_was_idle)
{
    loop_busy(&bench.handler);
    say();
    bench.then = go_idle;
    run_rounds(4);
    cr_assert_eq(bench.calls, 2);
}

static void be_busy(struct bench *me)
{
    loop_busy(&me->handler);
}

Test(event_loop_busy, handler_may_say_so_as_often_as_it_likes)
{
    say();
    bench.then = be_busy;
    run_rounds(5);
    cr_assert_eq(bench.calls, 5);
}

Test(event_loop_busy, handler_that_asks_to_write_is_watched_for_it)
{
    loop_busy(&bench.handler);
    loop_change(&bench.handler, LOOP_READ | LOOP_WRITE);
    loop_busy(&bench.handler);
    run_rounds(3);
    cr_assert_eq(bench.calls, 3);
    cr_assert_eq(bench.events, LOOP_WRITE);
}

Test(event_loop_busy, handler_that_asks_for_nothing_is_not_called)
{
    loop_busy(&bench.handler);
    say();
    loop_change(&bench.handler, 0);
    run_rounds(3);
    cr_assert_eq(bench.calls, 0);
    loop_change(&bench.handler, LOOP_READ);
    run_rounds(3);
    cr_assert_geq(bench.calls, 2);
}

static void leave(struct bench *me)
{
    loop_remove(&me->handler);
    me->handler = (struct loop_handler){.fd = -1}; /* its memory may be another's by now */
}

Test(event_loop_busy, handler_is_never_called_again_once_removed)
{
    loop_busy(&bench.handler);
    say();
    bench.then = leave;
    run_rounds(5);
    cr_assert_eq(bench.calls, 1);
}

static void stop(void *state)
{
    loop_stop(((struct bench *)state)->loop);
}

Test(event_loop_busy, handler_keeps_no_timer_from_its_turn)
{
    struct loop_timer timer;
    cr_assert_eq(loop_timer_open(bench.loop, &timer, stop, &bench), 0);
    loop_timer_once(&timer, 1000000);
    loop_busy(&bench.handler);
    cr_assert_eq(loop_run_until_stopped(bench.loop), 0);
    cr_assert_geq(bench.calls, 1);
    loop_timer_close(&timer);
}
