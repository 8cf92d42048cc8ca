/* Queues that drain, and queues that stand still: socket pairs, whose other ends are read or not.
 */
#include "server/send_socket.h"

#include "net/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct addr to_the_peer = {.family = ADDR_NONE};

static struct loop *loop;
static struct send_watch watch;
static struct send_socket sender;
static struct loop_task waiter;
static struct batch *batch;
static int base[2], reserve[2];
static int woken;
static void (*on_tick)(void); /* while a test waits, each millisecond */
static struct loop_timer tick, end;

static void on_wake(void *state)
{
    (void)state;
    woken++;
    loop_stop(loop);
}

static void on_end(void *state)
{
    (void)state;
    loop_stop(loop);
}

static void run_tick(void *state)
{
    (void)state;
    if (on_tick != NULL)
        on_tick();
}

static void open_pair(int pair[2])
{
    int bytes = 32 << 10;
    cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
    cr_assert_eq(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), 0);
}

static void set_up(void)
{
    open_pair(base);
    open_pair(reserve);
    loop = loop_new();
    cr_assert_eq(send_watch_open(&watch, loop), 0);
    send_socket_open(&sender, &watch, base[0], reserve[0]);
    batch = batch_new(0);
    waiter = (struct loop_task){.run = on_wake};
    cr_assert_eq(loop_timer_open(loop, &tick, run_tick, NULL), 0);
    cr_assert_eq(loop_timer_open(loop, &end, on_end, NULL), 0);
    on_tick = NULL;
    woken = 0;
}

static void tear_down(void)
{
    send_socket_close(&sender);
    loop_cancel(loop, &waiter);
    send_watch_close(&watch);
    loop_timer_close(&tick);
    loop_timer_close(&end);
    loop_free(loop);
    batch_free(batch);
    for (int i = 0; i < 2; i++) {
        close(base[i]);
        close(reserve[i]);
    }
}

TestSuite(send_socket, .init = set_up, .fini = tear_down, .timeout = 60);

/* Sends one datagram of 1,000 bytes. */
static int send_one(void)
{
    static const char bytes[1000];
    batch_address(batch, &to_the_peer, &to_the_peer, bytes, sizeof bytes);
    int error = send_socket_send(&sender, batch, &waiter);
    batch_clear(batch);
    return error;
}

static int fill(void)
{
    int count = 0;
    while (send_one() == 0)
        count++;
    return count;
}

static int read_all(int fd, int most)
{
    char bytes[1024];
    int count = 0;
    while (count < most && recv(fd, bytes, sizeof bytes, 0) >= 0)
        count++;
    return count;
}

/* Runs the loop until the waiter has run, or for so long. */
static void run_for(int ms)
{
    loop_timer_every(&tick, 1);
    loop_timer_once(&end, (uint64_t)ms * 1000000);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    loop_timer_once(&end, 0);
    loop_timer_every(&tick, 0);
}

/* A socket of datagrams between processes is writable when three quarters of its buffer are free,
 * one of UDP when half of it is. */
Test(send_socket, waits_until_the_socket_is_writable)
{
    int count = fill();
    cr_assert_gt(count, 8);
    cr_assert_gt(read_all(base[1], count - count / 8), 0);
    run_for(10000);
    cr_assert_eq(woken, 1);
    cr_assert_eq(send_one(), 0);
    cr_assert_gt(read_all(base[1], count), 0);
    cr_assert_eq(read_all(reserve[1], 1), 0, "the reserve is for what stands still");
}

Test(send_socket, uses_the_reserve_when_the_queue_stands_still_and_no_sooner)
{
    fill();
    uint64_t start_ms = clock_now_ms();
    run_for(10000);
    cr_assert_eq(woken, 1);
    cr_assert_geq(clock_now_ms() - start_ms, 14, "four looks, 5 ms apart");
    cr_assert_eq(send_one(), 0);
    cr_assert_eq(read_all(reserve[1], 10), 1);
}

static void drain_slowly(void)
{
    static int ticks;
    if (++ticks % 4 == 0)
        read_all(base[1], 1);
}

Test(send_socket, does_not_use_the_reserve_while_the_queue_shrinks)
{
    int count = fill();
    on_tick = drain_slowly;
    run_for(10000);
    cr_assert_eq(woken, 1, "woken by room");
    cr_assert_eq(send_one(), 0);
    cr_assert_eq(read_all(reserve[1], 1), 0);
    cr_assert_leq(read_all(base[1], 2 * count), count / 2 + 2);
}

Test(send_socket, goes_back_to_the_socket_once_that_has_room)
{
    int count = fill();
    run_for(10000);
    cr_assert_eq(send_one(), 0);
    cr_assert_eq(read_all(reserve[1], 10), 1);
    cr_assert_eq(read_all(base[1], count), count);
    run_for(50); /* nobody waits, but the room is seen */
    cr_assert_eq(send_one(), 0);
    cr_assert_eq(read_all(base[1], 10), 1);
    cr_assert_eq(read_all(reserve[1], 10), 0);
}

Test(send_socket, does_not_fill_the_reserve_with_more_than_the_queue_at_a_time)
{
    int more = 256 << 10;
    cr_assert_eq(setsockopt(reserve[0], SOL_SOCKET, SO_SNDBUFFORCE, &more, sizeof more), 0);
    int count = fill();
    run_for(10000);
    cr_assert_eq(woken, 1);
    int first = fill();
    cr_assert_leq(first, count + 1, "as much as an ordinary queue may hold");
    /* That stands still, too: after 20 ms as much again may follow. */
    int second = 0;
    for (uint64_t start_ms = clock_now_ms(); second == 0 && clock_now_ms() - start_ms < 10000;) {
        run_for(100);
        second = fill();
    }
    cr_assert_gt(second, 0);
    cr_assert_leq(second, count + 1);
}

Test(send_socket, waits_for_as_long_as_it_takes_without_a_reserve)
{
    send_socket_close(&sender);
    send_socket_open(&sender, &watch, base[0], -1);
    fill();
    run_for(100);
    cr_assert_eq(woken, 0);
    read_all(base[1], 1000);
    run_for(10000);
    cr_assert_eq(woken, 1);
    cr_assert_eq(send_one(), 0);
}

Test(send_socket, a_closed_one_wakes_nobody)
{
    fill();
    send_socket_close(&sender);
    run_for(50);
    cr_assert_eq(woken, 0);
    cr_assert_null(watch.first);
}
