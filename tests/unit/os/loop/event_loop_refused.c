/* A kernel that refuses to watch a descriptor: this file's epoll_ctl stands before libc's. */
#include "os/loop/event_loop.h"
#include "os/process/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int refuse_adds, refuse_changes; /* so many of the next ones */

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    int *left = operation == EPOLL_CTL_ADD   ? &refuse_adds
                : operation == EPOLL_CTL_MOD ? &refuse_changes
                                             : NULL;
    if (left != NULL && *left > 0) {
        --*left;
        errno = left == &refuse_adds ? ENOSPC : ENOMEM;
        return -1;
    }
    return (int)syscall(SYS_epoll_ctl, epoll, operation, fd, event);
}

enum { FOR_GOOD = 1 << 30 };

struct watch {
    struct loop *loop;
    struct loop_handler handler;
    int fd, peer;
    int calls, calls_wanted; /* the loop stops at so many */
    unsigned events;         /* of the last call */
    void (*then)(struct watch *watch);
};

static struct watch watch;

static void on_ready(void *state, unsigned events)
{
    struct watch *me = state;
    me->events = events;
    if (++me->calls == me->calls_wanted)
        loop_stop(me->loop);
    if (me->then != NULL)
        me->then(me);
}

static void set_up(void)
{
    int fds[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds), 0);
    watch = (struct watch){.loop = loop_new(), .fd = fds[0], .peer = fds[1], .calls_wanted = 1};
    cr_assert_eq(loop_add(watch.loop, &watch.handler, watch.fd, LOOP_READ, on_ready, &watch), 0);
}

static void tear_down(void)
{
    refuse_adds = refuse_changes = 0;
    loop_remove(&watch.handler);
    loop_free(watch.loop);
    close(watch.fd);
    if (watch.peer >= 0)
        close(watch.peer);
}

TestSuite(event_loop_refused, .init = set_up, .fini = tear_down, .timeout = 20);

static void put(void)
{
    cr_assert_eq(write(watch.peer, "x", 1), 1);
}

static void take(struct watch *me)
{
    char byte;
    cr_assert_eq(read(me->fd, &byte, 1), 1);
}

static void expect_call(unsigned events)
{
    watch.calls = 0;
    cr_assert_eq(loop_run_until_stopped(watch.loop), 0);
    cr_assert_eq(watch.events, events);
}

/* What ends a listener's turn when its answers have to wait: busy, and then asked to write. */
static void block_while_busy(void)
{
    loop_busy(&watch.handler);
    loop_change(&watch.handler, LOOP_WRITE);
}

Test(event_loop_refused, handler_that_was_busy_is_told_that_it_may_write)
{
    refuse_adds = 1;
    block_while_busy();
    cr_assert_eq(refuse_adds, 0);
    expect_call(LOOP_WRITE);
    loop_change(&watch.handler, LOOP_READ);
    put();
    watch.then = take;
    expect_call(LOOP_READ);
}

Test(event_loop_refused, handler_is_served_as_long_as_the_kernel_refuses)
{
    refuse_adds = FOR_GOOD;
    block_while_busy();
    expect_call(LOOP_WRITE);
    loop_change(&watch.handler, LOOP_READ);
    watch.then = take;
    for (int i = 0; i < 5; i++) {
        put();
        expect_call(LOOP_READ);
    }
    close(watch.peer);
    watch.peer = -1;
    watch.then = NULL;
    loop_change(&watch.handler, 0);
    cr_assert_lt(refuse_adds, FOR_GOOD);
}

static void stop(void *state)
{
    loop_stop(((struct watch *)state)->loop);
}

Test(event_loop_refused, handler_that_has_nothing_to_do_costs_next_to_no_processor)
{
    struct loop_timer timer;
    cr_assert_eq(loop_timer_open(watch.loop, &timer, stop, &watch), 0);
    refuse_adds = FOR_GOOD;
    loop_busy(&watch.handler);
    loop_idle(&watch.handler);
    loop_timer_once(&timer, 300000000);
    cr_assert_eq(loop_run_until_stopped(watch.loop), 0);
    cr_assert_eq(watch.calls, 0);
    int tries = FOR_GOOD - refuse_adds;
    cr_assert(tries >= 2 && tries <= 40, "one every 10 ms, and not one a round: %d", tries);
    loop_timer_close(&timer);
}

Test(event_loop_refused, handler_may_be_busy_again_and_idle_again)
{
    refuse_adds = 1;
    loop_busy(&watch.handler);
    loop_idle(&watch.handler);
    loop_busy(&watch.handler);
    watch.calls_wanted = 3;
    expect_call(LOOP_READ); /* although nothing is there */
    loop_idle(&watch.handler);
    watch.calls_wanted = 1;
    put();
    watch.then = take;
    expect_call(LOOP_READ);
}

Test(event_loop_refused, handler_whose_change_is_refused_gets_what_it_asked_for)
{
    refuse_changes = 1;
    refuse_adds = 2;
    loop_change(&watch.handler, LOOP_WRITE);
    expect_call(LOOP_WRITE);
    loop_change(&watch.handler, LOOP_READ);
    put();
    watch.then = take;
    expect_call(LOOP_READ);
}

/* Another pair, one end of which takes the place of the watched one. */
static void replace(void)
{
    int fds[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds), 0);
    cr_assert_eq(loop_replace(&watch.handler, fds[0]), 0);
    close(watch.peer);
    watch.peer = fds[1];
}

Test(event_loop_refused, descriptor_that_was_replaced_is_watched)
{
    put(); /* lost with what it was put into */
    replace();
    put();
    watch.then = take;
    expect_call(LOOP_READ);
}

Test(event_loop_refused, descriptor_that_was_replaced_is_served_while_the_kernel_refuses)
{
    refuse_adds = 3;
    replace();
    put();
    watch.then = take;
    expect_call(LOOP_READ);
}

Test(event_loop_refused, descriptor_that_was_replaced_stays_busy)
{
    loop_busy(&watch.handler);
    replace();
    watch.calls_wanted = 3;
    expect_call(LOOP_READ);
    watch.calls_wanted = 1;
    loop_idle(&watch.handler);
    put();
    watch.then = take;
    expect_call(LOOP_READ);
}

static void leave(struct watch *me)
{
    loop_remove(&me->handler);
    me->handler = (struct loop_handler){.fd = -1}; /* its memory may be another's by now */
}

Test(event_loop_refused, handler_may_go_in_its_own_call)
{
    refuse_adds = FOR_GOOD;
    block_while_busy();
    watch.then = leave;
    expect_call(LOOP_WRITE);
}
