#include "os/loop/event_loop.h"

#include "os/loop/signals.h"
#include "os/loop/timer.h"
#include "os/process/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A pair of connected sockets; the loop watches one end. */
struct end {
    struct loop *loop;
    struct loop_handler handler;
    int fd, peer;
    unsigned events;
    int calls;
    struct end *other;
};

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

static struct end *new_end(struct loop *loop, unsigned events, loop_event_callback *ready)
{
    struct end *end = calloc(1, sizeof *end);
    int fds[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    end->loop = loop;
    end->fd = fds[0];
    end->peer = fds[1];
    cr_assert_eq(loop_add(loop, &end->handler, end->fd, events, ready, end), 0);
    return end;
}

static void free_end(struct end *end)
{
    loop_remove(&end->handler);
    close(end->fd);
    if (end->peer >= 0)
        close(end->peer);
    free(end);
}

static void record(void *state, unsigned events)
{
    struct end *end = state;
    end->events = events;
    end->calls++;
}

static void record_and_stop(void *state, unsigned events)
{
    struct end *end = state;
    record(end, events);
    loop_stop(end->loop);
}

/* ---- Descriptors ---- */

Test(event_loop, reports_readable)
{
    struct loop *loop = new_loop();
    struct end *end = new_end(loop, LOOP_READ, record_and_stop);
    cr_assert_eq(write(end->peer, "x", 1), 1);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_eq(end->events, LOOP_READ);
    free_end(end);
    loop_free(loop);
}

Test(event_loop, reports_writable_only_if_requested)
{
    struct loop *loop = new_loop();
    struct end *end = new_end(loop, LOOP_READ, record_and_stop);
    run_a_round(loop);
    cr_assert_eq(end->calls, 0);
    loop_change(&end->handler, LOOP_WRITE);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_eq(end->events, LOOP_WRITE);
    free_end(end);
    loop_free(loop);
}

Test(event_loop, reports_a_hangup_without_a_request)
{
    struct loop *loop = new_loop();
    struct end *end = new_end(loop, 0, record_and_stop);
    close(end->peer);
    end->peer = -1;
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_eq(end->events, LOOP_HANGUP);
    free_end(end);
    loop_free(loop);
}

Test(event_loop, reports_again_while_it_lasts)
{
    struct loop *loop = new_loop();
    struct end *end = new_end(loop, LOOP_READ, record);
    cr_assert_eq(write(end->peer, "x", 1), 1);
    run_a_round(loop);
    run_a_round(loop);
    cr_assert_eq(end->calls, 2);
    free_end(end);
    loop_free(loop);
}

Test(event_loop, reports_nothing_once_nothing_is_requested)
{
    struct loop *loop = new_loop();
    struct end *end = new_end(loop, LOOP_READ, record);
    cr_assert_eq(write(end->peer, "x", 1), 1);
    loop_change(&end->handler, 0);
    run_a_round(loop);
    cr_assert_eq(end->calls, 0);
    free_end(end);
    loop_free(loop);
}

static void free_the_other(void *state, unsigned events)
{
    struct end *end = state;
    record(end, events);
    if (end->other)
        free_end(end->other);
    end->other = NULL;
}

Test(event_loop, removed_handler_gets_no_event_already_fetched)
{
    struct loop *loop = new_loop();
    struct end *a = new_end(loop, LOOP_READ, free_the_other);
    struct end *b = new_end(loop, LOOP_READ, free_the_other);
    a->other = b;
    b->other = a;
    cr_assert_eq(write(a->peer, "x", 1), 1);
    cr_assert_eq(write(b->peer, "x", 1), 1);
    /* epoll reports them in the order in which they became ready. */
    run_a_round(loop);
    cr_assert_eq(a->calls, 1);
    cr_assert_eq(a->other, NULL);
    free_end(a);
    loop_free(loop);
}

static void free_itself(void *state, unsigned events)
{
    struct end *end = state;
    (void)events;
    loop_stop(end->loop);
    free_end(end);
}

Test(event_loop, handler_may_remove_and_free_itself)
{
    struct loop *loop = new_loop();
    struct end *end = new_end(loop, LOOP_READ, free_itself);
    cr_assert_eq(write(end->peer, "x", 1), 1);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    run_a_round(loop);
    loop_free(loop);
}

Test(event_loop, may_be_asked_to_remove_a_handler_twice)
{
    struct loop *loop = new_loop();
    struct end *end = new_end(loop, LOOP_READ, record);
    loop_remove(&end->handler);
    cr_assert_eq(write(end->peer, "x", 1), 1);
    run_a_round(loop);
    cr_assert_eq(end->calls, 0);
    free_end(end);
    loop_free(loop);
}

Test(event_loop, returns_the_error_of_epoll)
{
    struct loop *loop = new_loop();
    struct loop_handler handler;
    cr_assert_eq(loop_add(loop, &handler, -1, LOOP_READ, record, NULL), -EBADF);
    cr_assert_eq(handler.loop, NULL);
    loop_free(loop);
}

/* ---- Tasks ---- */

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

struct counted_task {
    struct loop *loop;
    struct loop_task task;
    int runs;
    int repeats; /* how often it queues itself again */
    const int *calls_seen;
    int seen;
};

static void work(void *state)
{
    struct counted_task *counted = state;
    counted->runs++;
    if (counted->calls_seen)
        counted->seen = *counted->calls_seen;
    if (counted->repeats-- > 0)
        loop_defer(counted->loop, &counted->task);
}

static struct counted_task new_task(struct loop *loop)
{
    return (struct counted_task){.loop = loop, .task = {.run = work}};
}

Test(event_loop, task_runs_once_after_the_events_that_are_ready)
{
    struct loop *loop = new_loop();
    struct end *end = new_end(loop, LOOP_READ, record);
    struct counted_task counted = new_task(loop);
    counted.task.state = &counted;
    counted.calls_seen = &end->calls;
    cr_assert_eq(write(end->peer, "x", 1), 1);
    loop_defer(loop, &counted.task);
    loop_defer(loop, &counted.task);
    run_a_round(loop);
    cr_assert_eq(counted.runs, 1);
    cr_assert_eq(counted.seen, 1);
    run_a_round(loop);
    cr_assert_eq(counted.runs, 1);
    free_end(end);
    loop_free(loop);
}

Test(event_loop, task_that_queues_itself_runs_in_the_next_round)
{
    struct loop *loop = new_loop();
    struct counted_task counted = new_task(loop);
    counted.task.state = &counted;
    counted.repeats = 1;
    loop_defer(loop, &counted.task);
    run_a_round(loop);
    cr_assert_eq(counted.runs, 1);
    cr_assert(counted.task.queued);
    run_a_round(loop);
    cr_assert_eq(counted.runs, 2);
    cr_assert_not(counted.task.queued);
    loop_free(loop);
}

Test(event_loop, runs_events_during_an_endless_task)
{
    struct loop *loop = new_loop();
    struct counted_task counted = new_task(loop);
    struct ticks ticks;
    counted.task.state = &counted;
    counted.repeats = 1 << 30;
    loop_defer(loop, &counted.task);
    open_ticks(&ticks, loop, 3); /* the last one ends the round before the task */
    loop_timer_every(&ticks.timer, 1);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_gt(counted.runs, 1);
    loop_cancel(loop, &counted.task);
    loop_timer_close(&ticks.timer);
    loop_free(loop);
}

Test(event_loop, cancelled_task_does_not_run_and_others_do)
{
    struct loop *loop = new_loop();
    struct counted_task tasks[3];
    for (int i = 0; i < 3; i++) {
        tasks[i] = new_task(loop);
        tasks[i].task.state = &tasks[i];
        loop_defer(loop, &tasks[i].task);
    }
    loop_cancel(loop, &tasks[2].task);
    loop_cancel(loop, &tasks[0].task);
    run_a_round(loop);
    cr_assert_eq(tasks[0].runs, 0);
    cr_assert_eq(tasks[1].runs, 1);
    cr_assert_eq(tasks[2].runs, 0);
    loop_free(loop);
}

static void cancel_other(void *state)
{
    struct counted_task *other = state;
    loop_cancel(other->loop, &other->task);
}

Test(event_loop, task_may_cancel_one_of_the_same_round)
{
    struct loop *loop = new_loop();
    struct counted_task counted = new_task(loop);
    struct loop_task canceller = {.run = cancel_other, .state = &counted};
    counted.task.state = &counted;
    loop_defer(loop, &canceller);
    loop_defer(loop, &counted.task);
    run_a_round(loop);
    cr_assert_eq(counted.runs, 0);
    loop_free(loop);
}

Test(event_loop, events_and_tasks_that_a_stop_left_run_in_the_next_run)
{
    struct loop *loop = new_loop();
    struct end *first = new_end(loop, LOOP_READ, record_and_stop);
    struct end *second = new_end(loop, LOOP_READ, record_and_stop);
    struct counted_task counted = new_task(loop);
    counted.task.state = &counted;
    loop_defer(loop, &counted.task);
    cr_assert_eq(write(first->peer, "x", 1), 1);
    cr_assert_eq(write(second->peer, "x", 1), 1);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_eq(first->calls + second->calls, 1);
    cr_assert_eq(counted.runs, 0);
    loop_remove(first->calls ? &first->handler : &second->handler);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_eq(first->calls, 1);
    cr_assert_eq(second->calls, 1);
    loop_remove(&first->handler);
    loop_remove(&second->handler);
    run_a_round(loop);
    cr_assert_eq(counted.runs, 1);
    free_end(first);
    free_end(second);
    loop_free(loop);
}

Test(event_loop, stop_before_the_run_ends_it_before_it_waits)
{
    struct loop *loop = new_loop();
    loop_stop(loop);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    loop_free(loop);
}

/* ---- Waiting ---- */

static void ignore(int signal)
{
    (void)signal;
}

Test(event_loop, continues_after_an_interrupted_wait)
{
    struct loop *loop = new_loop();
    struct ticks ticks;
    timer_t interrupter;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec often = {{0, 1000000}, {0, 1000000}};
    cr_assert_eq(sigaction(SIGUSR1, &(struct sigaction){.sa_handler = ignore}, NULL), 0);
    cr_assert_eq(timer_create(CLOCK_MONOTONIC, &event, &interrupter), 0);
    cr_assert_eq(timer_settime(interrupter, 0, &often, NULL), 0);
    open_ticks(&ticks, loop, 1);
    loop_timer_once(&ticks.timer, 20000000);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_eq(ticks.count, 1);
    timer_delete(interrupter);
    loop_timer_close(&ticks.timer);
    loop_free(loop);
}

static uint64_t cpu_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

Test(event_loop, waits_without_spinning)
{
    struct loop *loop = new_loop();
    struct end *end = new_end(loop, LOOP_READ, record);
    struct counted_task counted = new_task(loop);
    struct ticks ticks;
    counted.task.state = &counted;
    loop_defer(loop, &counted.task);
    open_ticks(&ticks, loop, 1);
    run_a_round(loop);
    loop_timer_once(&ticks.timer, 400000000);
    uint64_t start_ns = cpu_ns();
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_lt(cpu_ns() - start_ns, 200000000u);
    loop_timer_close(&ticks.timer);
    free_end(end);
    loop_free(loop);
}
