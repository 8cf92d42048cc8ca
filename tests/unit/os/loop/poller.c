/* The poller: waiting for sockets until a point in time. */
#include "os/loop/poller.h"

#include "os/loop/thread.h"
#include "os/process/clock.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct poller *poller;
static int pair[2];
static uint32_t ready[POLLER_READY_MAX];

static void begin(void)
{
    poller = poller_new();
    cr_assert_not_null(poller);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
    cr_assert_eq(poller_add(poller, pair[0], 7), 0);
}

static void end(void)
{
    poller_free(poller);
    close(pair[0]);
    close(pair[1]);
}

static uint64_t in_ms(uint64_t ms)
{
    return clock_now_ns() + ms * 1000000;
}

static void wake(void *state)
{
    poller_wake(state);
}

TestSuite(poller, .init = begin, .fini = end, .timeout = 30);

Test(poller, waits_until_the_instant_and_not_less)
{
    uint64_t until_ns = in_ms(20);
    thread_minimize_timer_slack();
    cr_assert_eq(poller_wait(poller, until_ns, ready), 0);
    cr_assert_geq(clock_now_ns(), until_ns);
}

Test(poller, does_not_wait_for_a_time_in_the_past)
{
    uint64_t before_ns = clock_now_ns();
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(poller_wait(poller, before_ns, ready), 0);
    cr_assert_eq(poller_wait(poller, 0, ready), 0);
}

Test(poller, reports_a_socket_as_long_as_it_is_ready)
{
    cr_assert_eq(write(pair[1], "x", 1), 1);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(poller_wait(poller, UINT64_MAX, ready), 1);
        cr_assert_eq(ready[0], 7);
    }
    cr_assert_eq(read(pair[0], &(char){0}, 1), 1);
    cr_assert_eq(poller_wait(poller, 0, ready), 0);
}

Test(poller, reports_room_to_write_while_that_is_wanted)
{
    cr_assert_eq(poller_want_write(poller, pair[0], 7, true), 0);
    cr_assert_eq(poller_wait(poller, UINT64_MAX, ready), 1);
    cr_assert_eq(poller_want_write(poller, pair[0], 7, false), 0);
    cr_assert_eq(poller_wait(poller, 0, ready), 0);
}

Test(poller, ends_only_the_next_wait_when_woken)
{
    if (getenv("UDPSRV_VALGRIND"))
        cr_skip("valgrind has no epoll_pwait2, and without it a wait may end early");
    poller_wake(poller);
    poller_wake(poller);
    cr_assert_eq(poller_wait(poller, UINT64_MAX, ready), 0);
    uint64_t until_ns = in_ms(5);
    cr_assert_eq(poller_wait(poller, until_ns, ready), 0);
    cr_assert_geq(clock_now_ns(), until_ns);
}

Test(poller, is_woken_by_another_thread)
{
    struct thread *thread = thread_start("waker", wake, poller);
    cr_assert_not_null(thread);
    cr_assert_eq(poller_wait(poller, UINT64_MAX, ready), 0);
    thread_join(thread);
}
