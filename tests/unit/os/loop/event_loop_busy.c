/* Busy polling of a handler: calls in each round without epoll. */
#include "os/loop/event_loop.h"
#include "os/loop/timer.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* A handler at one end of a pair of sockets, and a task that counts the rounds of the loop. */
struct polled {
    struct loop *loop;
    struct loop_handler handler;
    struct loop_task round;
    int ends[2];
    int rounds, last_round; /* the loop stops after it */
    int calls;
    unsigned events; /* of all calls together */
    void (*then)(struct polled *polled);
};

static struct polled polled;

static void on_ready(void *state, unsigned events)
{
    struct polled *polled_state = state;
    polled_state->calls++;
    polled_state->events |= events;
    if (polled_state->then != NULL)
        polled_state->then(polled_state);
}

static void count_round(void *state)
{
    struct polled *polled_state = state;
    if (++polled_state->rounds == polled_state->last_round)
        loop_stop(polled_state->loop);
    else
        loop_defer(polled_state->loop, &polled_state->round);
}

static void set_up(void)
{
    polled = (struct polled){.loop = loop_new()};
    cr_assert_not_null(polled.loop);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, polled.ends), 0);
    cr_assert_eq(
        loop_add(polled.loop, &polled.handler, polled.ends[0], LOOP_READ, on_ready, &polled), 0);
    polled.round = (struct loop_task){.run = count_round, .state = &polled};
}

static void tear_down(void)
{
    loop_remove(&polled.handler);
    loop_free(polled.loop);
    close(polled.ends[0]);
    close(polled.ends[1]);
}

TestSuite(event_loop_busy, .init = set_up, .fini = tear_down, .timeout = 60);

static void send_byte(void)
{
    cr_assert_eq(write(polled.ends[1], "x", 1), 1);
}

static void read_all(struct polled *polled_state)
{
    char byte;
    while (read(polled_state->ends[0], &byte, 1) == 1)
        continue;
    cr_assert_eq(errno, EAGAIN);
}

/* Runs that many rounds, none of which waits. */
static void run_rounds(int count)
{
    polled.rounds = polled.calls = 0;
    polled.events = 0;
    polled.last_round = count;
    loop_defer(polled.loop, &polled.round);
    cr_assert_eq(loop_run_until_stopped(polled.loop), 0);
}

Test(event_loop_busy, handler_is_called_in_each_round_even_without_input)
{
    loop_start_busy_poll(&polled.handler);
    run_rounds(5);
    cr_assert_eq(polled.calls, 5);
    cr_assert_eq(polled.events, LOOP_READ);
}

Test(event_loop_busy, handler_is_called_once_a_round_for_input_that_it_leaves)
{
    send_byte();
    loop_start_busy_poll(&polled.handler);
    run_rounds(5);
    cr_assert_eq(polled.calls, 5);
}

Test(event_loop_busy, handler_waits_for_input_once_polling_has_stopped)
{
    loop_start_busy_poll(&polled.handler);
    loop_stop_busy_poll(&polled.handler);
    run_rounds(3);
    cr_assert_eq(polled.calls, 0);
    send_byte();
    polled.then = read_all;
    run_rounds(3);
    cr_assert_eq(polled.calls, 1);
}

static void stop_busy_poll(struct polled *polled_state)
{
    loop_stop_busy_poll(&polled_state->handler);
    polled_state->then = read_all;
}

Test(event_loop_busy, handler_misses_no_input_that_came_before_polling_stopped)
{
    loop_start_busy_poll(&polled.handler);
    send_byte();
    polled.then = stop_busy_poll;
    run_rounds(4);
    cr_assert_eq(polled.calls, 2);
}

static void start_busy_poll(struct polled *polled_state)
{
    loop_start_busy_poll(&polled_state->handler);
}

Test(event_loop_busy, handler_may_start_polling_repeatedly)
{
    send_byte();
    polled.then = start_busy_poll;
    run_rounds(5);
    cr_assert_eq(polled.calls, 5);
}

Test(event_loop_busy, handler_that_asks_to_write_is_watched_for_it)
{
    loop_start_busy_poll(&polled.handler);
    loop_change(&polled.handler, LOOP_READ | LOOP_WRITE);
    loop_start_busy_poll(&polled.handler);
    run_rounds(3);
    cr_assert_eq(polled.calls, 3);
    cr_assert_eq(polled.events, LOOP_WRITE);
}

Test(event_loop_busy, handler_that_asks_for_nothing_is_not_called)
{
    loop_start_busy_poll(&polled.handler);
    send_byte();
    loop_change(&polled.handler, 0);
    run_rounds(3);
    cr_assert_eq(polled.calls, 0);
    loop_change(&polled.handler, LOOP_READ);
    run_rounds(3);
    cr_assert_geq(polled.calls, 2);
}

static void remove_itself(struct polled *polled_state)
{
    loop_remove(&polled_state->handler);
    polled_state->handler = (struct loop_handler){.fd = -1}; /* the memory may be reused now */
}

Test(event_loop_busy, handler_is_never_called_again_once_removed)
{
    loop_start_busy_poll(&polled.handler);
    send_byte();
    polled.then = remove_itself;
    run_rounds(5);
    cr_assert_eq(polled.calls, 1);
}

static void stop(void *state)
{
    loop_stop(((struct polled *)state)->loop);
}

static struct loop_timer stop_timer;

static void start_stop_timer(struct polled *polled_state)
{
    loop_timer_once(&stop_timer, 1000000);
    polled_state->then = NULL;
}

Test(event_loop_busy, handler_does_not_delay_timers)
{
    cr_assert_eq(loop_timer_open(polled.loop, &stop_timer, stop, &polled), 0);
    polled.then = start_stop_timer;
    loop_start_busy_poll(&polled.handler);
    cr_assert_eq(loop_run_until_stopped(polled.loop), 0);
    cr_assert_geq(polled.calls, 1);
    loop_timer_close(&stop_timer);
}
