/* Descriptors that epoll refuses to watch: the epoll_ctl of this file replaces that of libc. */
#include "os/loop/event_loop.h"
#include "os/loop/timer.h"
#include "os/process/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int refuse_adds, refuse_changes; /* how many of the next calls fail */

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

enum { ALWAYS = 1 << 30 };

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
    struct watch *self = state;
    self->events = events;
    if (++self->calls == self->calls_wanted)
        loop_stop(self->loop);
    if (self->then != NULL)
        self->then(self);
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

static void send_byte(void)
{
    cr_assert_eq(write(watch.peer, "x", 1), 1);
}

static void read_byte(struct watch *self)
{
    char byte;
    cr_assert_eq(read(self->fd, &byte, 1), 1);
}

static void expect_call(unsigned events)
{
    watch.calls = 0;
    cr_assert_eq(loop_run_until_stopped(watch.loop), 0);
    cr_assert_eq(watch.events, events);
}

/* What a listener does when its replies have to wait: it polls, and then asks for LOOP_WRITE. */
static void write_after_busy_poll(void)
{
    loop_start_busy_poll(&watch.handler);
    loop_change(&watch.handler, LOOP_WRITE);
}

Test(event_loop_refused, handler_that_was_polled_learns_that_it_may_write)
{
    refuse_adds = 1;
    write_after_busy_poll();
    cr_assert_eq(refuse_adds, 0);
    expect_call(LOOP_WRITE);
    loop_change(&watch.handler, LOOP_READ);
    send_byte();
    watch.then = read_byte;
    expect_call(LOOP_READ);
}

Test(event_loop_refused, handler_is_served_as_long_as_the_kernel_refuses)
{
    refuse_adds = ALWAYS;
    write_after_busy_poll();
    expect_call(LOOP_WRITE);
    loop_change(&watch.handler, LOOP_READ);
    watch.then = read_byte;
    for (int i = 0; i < 5; i++) {
        send_byte();
        expect_call(LOOP_READ);
    }
    close(watch.peer);
    watch.peer = -1;
    watch.then = NULL;
    loop_change(&watch.handler, 0);
    cr_assert_lt(refuse_adds, ALWAYS);
}

static void stop(void *state)
{
    loop_stop(((struct watch *)state)->loop);
}

Test(event_loop_refused, handler_without_events_takes_little_processor_time)
{
    struct loop_timer timer;
    cr_assert_eq(loop_timer_open(watch.loop, &timer, stop, &watch), 0);
    refuse_adds = ALWAYS;
    loop_start_busy_poll(&watch.handler);
    loop_stop_busy_poll(&watch.handler);
    loop_timer_once(&timer, 300000000);
    cr_assert_eq(loop_run_until_stopped(watch.loop), 0);
    cr_assert_eq(watch.calls, 0);
    int tries = ALWAYS - refuse_adds;
    cr_assert(tries >= 2 && tries <= 40, "one every 10 ms, and not one a round: %d", tries);
    loop_timer_close(&timer);
}

Test(event_loop_refused, handler_may_start_and_stop_polling_again)
{
    refuse_adds = 1;
    loop_start_busy_poll(&watch.handler);
    loop_stop_busy_poll(&watch.handler);
    loop_start_busy_poll(&watch.handler);
    watch.calls_wanted = 3;
    expect_call(LOOP_READ); /* although there is no input */
    loop_stop_busy_poll(&watch.handler);
    watch.calls_wanted = 1;
    send_byte();
    watch.then = read_byte;
    expect_call(LOOP_READ);
}

Test(event_loop_refused, handler_whose_change_is_refused_gets_the_events_that_it_asked_for)
{
    refuse_changes = 1;
    refuse_adds = 2;
    loop_change(&watch.handler, LOOP_WRITE);
    expect_call(LOOP_WRITE);
    loop_change(&watch.handler, LOOP_READ);
    send_byte();
    watch.then = read_byte;
    expect_call(LOOP_READ);
}

/* Makes another pair, one end of which replaces the watched one. */
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
    send_byte(); /* lost with the socket that it was sent to */
    replace();
    send_byte();
    watch.then = read_byte;
    expect_call(LOOP_READ);
}

Test(event_loop_refused, descriptor_that_was_replaced_is_served_while_the_kernel_refuses)
{
    refuse_adds = 3;
    replace();
    send_byte();
    watch.then = read_byte;
    expect_call(LOOP_READ);
}

Test(event_loop_refused, descriptor_that_was_replaced_is_still_polled)
{
    loop_start_busy_poll(&watch.handler);
    replace();
    watch.calls_wanted = 3;
    expect_call(LOOP_READ);
    watch.calls_wanted = 1;
    loop_stop_busy_poll(&watch.handler);
    send_byte();
    watch.then = read_byte;
    expect_call(LOOP_READ);
}

static void remove_itself(struct watch *self)
{
    loop_remove(&self->handler);
    self->handler = (struct loop_handler){.fd = -1}; /* the memory may be reused now */
}

Test(event_loop_refused, handler_may_remove_itself_in_its_own_call)
{
    refuse_adds = ALWAYS;
    write_after_busy_poll();
    watch.then = remove_itself;
    expect_call(LOOP_WRITE);
}
