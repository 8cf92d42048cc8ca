#include "os/loop/event_loop.h"

#include "os/process/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A pair of connected sockets, one end of which is watched. */
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

/* One round: what is ready now, and nothing that has to be waited for. */
static void run_a_round(struct loop *loop)
{
    struct loop_task task = {.run = stop, .state = loop};
    loop_defer(loop, &task);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
}

static struct end *new_end(struct loop *loop, unsigned events, loop_ready *ready)
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

static void note(void *state, unsigned events)
{
    struct end *end = state;
    end->events = events;
    end->calls++;
}

static void note_and_stop(void *state, unsigned events)
{
    struct end *end = state;
    note(end, events);
    loop_stop(end->loop);
}

/* ---- Descriptors ---- */

Test(event_loop, tells_readable)
{
    struct loop *loop = new_loop();
    struct end *end = new_end(loop, LOOP_READ, note_and_stop);
    cr_assert_eq(write(end->peer, "x", 1), 1);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_eq(end->events, LOOP_READ);
    free_end(end);
    loop_free(loop);
}

Test(event_loop, tells_writable_only_if_asked)
{
    struct loop *loop = new_loop();
    struct end *end = new_end(loop, LOOP_READ, note_and_stop);
    run_a_round(loop);
    cr_assert_eq(end->calls, 0);
    loop_change(&end->handler, LOOP_WRITE);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_eq(end->events, LOOP_WRITE);
    free_end(end);
    loop_free(loop);
}

Test(event_loop, tells_a_hangup_unasked)
{
    struct loop *loop = new_loop();
    struct end *end = new_end(loop, 0, note_and_stop);
    close(end->peer);
    end->peer = -1;
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_eq(end->events, LOOP_HANGUP);
    free_end(end);
    loop_free(loop);
}

Test(event_loop, tells_again_while_it_lasts)
{
    struct loop *loop = new_loop();
    struct end *end = new_end(loop, LOOP_READ, note);
    cr_assert_eq(write(end->peer, "x", 1), 1);
    run_a_round(loop);
    run_a_round(loop);
    cr_assert_eq(end->calls, 2);
    free_end(end);
    loop_free(loop);
}

Test(event_loop, is_silent_once_nothing_is_asked_for)
{
    struct loop *loop = new_loop();
    struct end *end = new_end(loop, LOOP_READ, note);
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
    note(end, events);
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
    /* Level-triggered epoll tells them in the order in which they became ready. */
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

Test(event_loop, removing_twice_is_removing_once)
{
    struct loop *loop = new_loop();
    struct end *end = new_end(loop, LOOP_READ, note);
    loop_remove(&end->handler);
    cr_assert_eq(write(end->peer, "x", 1), 1);
    run_a_round(loop);
    cr_assert_eq(end->calls, 0);
    free_end(end);
    loop_free(loop);
}

Test(event_loop, refuses_what_epoll_refuses)
{
    struct loop *loop = new_loop();
    struct loop_handler handler;
    cr_assert_eq(loop_add(loop, &handler, -1, LOOP_READ, note, NULL), -EBADF);
    cr_assert_eq(handler.loop, NULL);
    loop_free(loop);
}

/* ---- Timers ---- */

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

Test(event_loop, timer_ticks_each_period_and_never_early)
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

Test(event_loop, missed_ticks_are_one)
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

Test(event_loop, timer_set_once_runs_once)
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

Test(event_loop, unset_timer_does_not_run_even_if_it_had_expired)
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

Test(event_loop, timer_unset_by_another_of_its_round_does_not_run)
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

Test(event_loop, timer_may_close_and_free_itself)
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

/* ---- Tasks ---- */

struct job_status {
    struct loop *loop;
    struct loop_task task;
    int runs;
    int again; /* how often it queues itself */
    const int *calls_seen;
    int seen;
};

static void work(void *state)
{
    struct job_status *job = state;
    job->runs++;
    if (job->calls_seen)
        job->seen = *job->calls_seen;
    if (job->again-- > 0)
        loop_defer(job->loop, &job->task);
}

static struct job_status new_job(struct loop *loop)
{
    return (struct job_status){.loop = loop, .task = {.run = work}};
}

Test(event_loop, task_runs_once_behind_the_events_that_are_ready)
{
    struct loop *loop = new_loop();
    struct end *end = new_end(loop, LOOP_READ, note);
    struct job_status job = new_job(loop);
    job.task.state = &job;
    job.calls_seen = &end->calls;
    cr_assert_eq(write(end->peer, "x", 1), 1);
    loop_defer(loop, &job.task);
    loop_defer(loop, &job.task);
    run_a_round(loop);
    cr_assert_eq(job.runs, 1);
    cr_assert_eq(job.seen, 1);
    run_a_round(loop);
    cr_assert_eq(job.runs, 1);
    free_end(end);
    loop_free(loop);
}

Test(event_loop, task_that_queues_itself_runs_in_the_next_round)
{
    struct loop *loop = new_loop();
    struct job_status job = new_job(loop);
    job.task.state = &job;
    job.again = 1;
    loop_defer(loop, &job.task);
    run_a_round(loop);
    cr_assert_eq(job.runs, 1);
    cr_assert(job.task.queued);
    run_a_round(loop);
    cr_assert_eq(job.runs, 2);
    cr_assert_not(job.task.queued);
    loop_free(loop);
}

Test(event_loop, endless_task_starves_no_event)
{
    struct loop *loop = new_loop();
    struct job_status job = new_job(loop);
    struct ticks ticks;
    job.task.state = &job;
    job.again = 1 << 30;
    loop_defer(loop, &job.task);
    open_ticks(&ticks, loop, 2);
    loop_timer_every(&ticks.timer, 1);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_gt(job.runs, 1);
    loop_cancel(loop, &job.task);
    loop_timer_close(&ticks.timer);
    loop_free(loop);
}

Test(event_loop, cancelled_task_does_not_run_and_others_do)
{
    struct loop *loop = new_loop();
    struct job_status jobs[3];
    for (int i = 0; i < 3; i++) {
        jobs[i] = new_job(loop);
        jobs[i].task.state = &jobs[i];
        loop_defer(loop, &jobs[i].task);
    }
    loop_cancel(loop, &jobs[2].task);
    loop_cancel(loop, &jobs[0].task);
    run_a_round(loop);
    cr_assert_eq(jobs[0].runs, 0);
    cr_assert_eq(jobs[1].runs, 1);
    cr_assert_eq(jobs[2].runs, 0);
    loop_free(loop);
}

static void cancel_other(void *state)
{
    struct job_status *other = state;
    loop_cancel(other->loop, &other->task);
}

Test(event_loop, task_may_cancel_one_of_the_same_round)
{
    struct loop *loop = new_loop();
    struct job_status job = new_job(loop);
    struct loop_task canceller = {.run = cancel_other, .state = &job};
    job.task.state = &job;
    loop_defer(loop, &canceller);
    loop_defer(loop, &job.task);
    run_a_round(loop);
    cr_assert_eq(job.runs, 0);
    loop_free(loop);
}

Test(event_loop, what_a_stop_left_comes_in_the_next_run)
{
    struct loop *loop = new_loop();
    struct end *first = new_end(loop, LOOP_READ, note_and_stop);
    struct end *second = new_end(loop, LOOP_READ, note_and_stop);
    struct job_status job = new_job(loop);
    job.task.state = &job;
    loop_defer(loop, &job.task);
    cr_assert_eq(write(first->peer, "x", 1), 1);
    cr_assert_eq(write(second->peer, "x", 1), 1);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_eq(first->calls + second->calls, 1);
    cr_assert_eq(job.runs, 0);
    loop_remove(first->calls ? &first->handler : &second->handler);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_eq(first->calls, 1);
    cr_assert_eq(second->calls, 1);
    loop_remove(&first->handler);
    loop_remove(&second->handler);
    run_a_round(loop);
    cr_assert_eq(job.runs, 1);
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

/* ---- Signals ---- */

struct catcher {
    struct loop *loop;
    int caught[4];
    int count;
    int stop_at;
};

static void catch_signal(void *state, int signal)
{
    struct catcher *catch = state;
    catch->caught[catch->count++] = signal;
    if (catch->count == catch->stop_at)
        loop_stop(catch->loop);
}

Test(event_loop, hands_signals_over_one_by_one)
{
    struct loop *loop = new_loop();
    struct catcher catch = {.loop = loop, .stop_at = 2};
    cr_assert_eq(loop_signals(loop, (int[]){SIGTERM, SIGHUP, 0}, catch_signal, &catch), 0);
    kill(getpid(), SIGTERM);
    kill(getpid(), SIGHUP);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_eq(catch.caught[0] + catch.caught[1], SIGTERM + SIGHUP);
    loop_free(loop);
}

Test(event_loop, stop_for_one_signal_keeps_the_next_for_another_run)
{
    struct loop *loop = new_loop();
    struct catcher catch = {.loop = loop, .stop_at = 1};
    cr_assert_eq(loop_signals(loop, (int[]){SIGTERM, SIGHUP, 0}, catch_signal, &catch), 0);
    kill(getpid(), SIGTERM);
    kill(getpid(), SIGHUP);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_eq(catch.count, 1);
    catch.stop_at = 2;
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_eq(catch.caught[0] + catch.caught[1], SIGTERM + SIGHUP);
    loop_free(loop);
}

static void ignore(int signal)
{
    (void)signal;
}

Test(event_loop, interrupted_wait_is_nothing)
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
    struct end *end = new_end(loop, LOOP_READ, note);
    struct job_status job = new_job(loop);
    struct ticks ticks;
    job.task.state = &job;
    loop_defer(loop, &job.task);
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

Test(event_loop, broken_pipe_is_an_error_once_it_is_ignored)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    close(ends[0]);
    loop_ignore_broken_pipes();
    cr_assert_eq(write(ends[1], "x", 1), -1);
    cr_assert_eq(errno, EPIPE);
    close(ends[1]);
}
