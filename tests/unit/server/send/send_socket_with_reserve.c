/* Send buffers that empty and send buffers that are stalled: socket pairs whose other ends are read
 * or not, and links in a network namespace of the test. */
#include "server/send/send_socket_with_reserve.h"

#include "net/interface/device_queue.h"
#include "net/socket/socket_buffer.h"
#include "net/socket/udp_socket.h"
#include "os/process/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct addr to_the_peer = {.family = ADDR_NONE};

static struct loop *loop;
static struct send_monitor monitor;
static struct send_socket sender;
static struct loop_task waiter;
static struct batch *batch;
static int base[2], reserve[2];
static int woken;
static void (*on_tick)(void); /* called each millisecond while a test waits */
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
    cr_assert_eq(send_monitor_open(&monitor, loop), 0);
    send_socket_open(&sender, &monitor, base[0], reserve[0]);
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
    send_monitor_close(&monitor);
    loop_timer_close(&tick);
    loop_timer_close(&end);
    loop_free(loop);
    batch_free(batch);
    for (int i = 0; i < 2; i++) {
        close(base[i]);
        close(reserve[i]);
    }
}

TestSuite(send_socket_with_reserve, .init = set_up, .fini = tear_down, .timeout = 60);

/* Sends one datagram of 1,000 bytes. */
static int send_one(void)
{
    static const char bytes[1000];
    batch_add(batch, &to_the_peer, &to_the_peer, bytes, sizeof bytes);
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

/* Runs the loop until the waiter has run, or for that long. */
static void run_for(int ms)
{
    loop_timer_every(&tick, 1);
    loop_timer_once(&end, (uint64_t)ms * 1000000);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    loop_timer_once(&end, 0);
    loop_timer_every(&tick, 0);
}

/* A Unix datagram socket is writable when three quarters of its buffer are free, a UDP socket when
 * half of it is. */
Test(send_socket_with_reserve, waits_until_the_socket_is_writable)
{
    int count = fill();
    cr_assert_gt(count, 8);
    cr_assert_gt(read_all(base[1], count - count / 8), 0);
    run_for(10000);
    cr_assert_eq(woken, 1);
    cr_assert_eq(send_one(), 0);
    cr_assert_gt(read_all(base[1], count), 0);
    cr_assert_eq(read_all(reserve[1], 1), 0, "the reserve is for stalled datagrams");
}

Test(send_socket_with_reserve, uses_the_reserve_when_the_buffer_is_stalled_and_no_sooner)
{
    uint64_t start_ms = clock_now_ms();
    fill();
    run_for(10000);
    cr_assert_eq(woken, 1);
    cr_assert_geq(clock_now_ms() - start_ms, 14, "four samples, 5 ms apart");
    cr_assert_eq(send_one(), 0);
    cr_assert_eq(read_all(reserve[1], 10), 1);
}

/* Tries to send one datagram of 1,000 bytes. */
static int try_one(void)
{
    static const char bytes[1000];
    batch_add(batch, &to_the_peer, &to_the_peer, bytes, sizeof bytes);
    int error = send_socket_try(&sender, batch);
    batch_clear(batch);
    return error;
}

Test(send_socket_with_reserve, a_try_does_not_wait_and_leaves_the_waiter_of_another_batch)
{
    cr_assert_eq(try_one(), 0);
    int count = 1 + fill();
    cr_assert_eq(try_one(), -EAGAIN);
    cr_assert_gt(read_all(base[1], count), 0);
    run_for(10000);
    cr_assert_eq(woken, 1, "the batch that waited is woken");
    fill();
    run_for(10000);
    cr_assert_eq(try_one(), 0, "the buffer is stalled: the reserve is used");
    cr_assert_eq(read_all(reserve[1], 10), 1);
}

static void drain_slowly(void)
{
    static int ticks;
    if (++ticks % 4 == 0)
        read_all(base[1], 1);
}

Test(send_socket_with_reserve, does_not_use_the_reserve_while_the_buffer_empties)
{
    int count = fill();
    on_tick = drain_slowly;
    run_for(10000);
    cr_assert_eq(woken, 1, "woken since the socket is writable");
    cr_assert_eq(send_one(), 0);
    cr_assert_eq(read_all(reserve[1], 1), 0);
    cr_assert_leq(read_all(base[1], 2 * count), count / 2 + 2);
}

Test(send_socket_with_reserve, returns_to_the_socket_once_it_is_writable)
{
    int count = fill();
    run_for(10000);
    cr_assert_eq(send_one(), 0);
    cr_assert_eq(read_all(reserve[1], 10), 1);
    cr_assert_eq(read_all(base[1], count), count);
    run_for(50); /* no sender waits, but the socket is watched */
    cr_assert_eq(send_one(), 0);
    cr_assert_eq(read_all(base[1], 10), 1);
    cr_assert_eq(read_all(reserve[1], 10), 0);
}

Test(send_socket_with_reserve, fills_the_reserve_with_no_more_than_an_ordinary_buffer_at_a_time)
{
    int more = 256 << 10;
    cr_assert_eq(setsockopt(reserve[0], SOL_SOCKET, SO_SNDBUFFORCE, &more, sizeof more), 0);
    int count = fill();
    run_for(10000);
    cr_assert_eq(woken, 1);
    int first = fill();
    cr_assert_leq(first, count + 1, "as much as an ordinary buffer may hold");
    /* That is stalled, too: after 20 ms as much again may follow. */
    int second = 0;
    for (uint64_t start_ms = clock_now_ms(); second == 0 && clock_now_ms() - start_ms < 10000;) {
        run_for(100);
        second = fill();
    }
    cr_assert_gt(second, 0);
    cr_assert_leq(second, count + 1);
}

Test(send_socket_with_reserve, waits_for_as_long_as_it_takes_without_a_reserve)
{
    send_socket_close(&sender);
    send_socket_open(&sender, &monitor, base[0], -1);
    fill();
    run_for(100);
    cr_assert_eq(woken, 0);
    read_all(base[1], 1000);
    run_for(10000);
    cr_assert_eq(woken, 1);
    cr_assert_eq(send_one(), 0);
}

Test(send_socket_with_reserve, wakes_no_sender_after_it_is_closed)
{
    fill();
    send_socket_close(&sender);
    run_for(50);
    cr_assert_eq(woken, 0);
    cr_assert_null(monitor.first);
}

/* ---- on a link ---- */

/* An interface that takes 1.5 s for a datagram of 1,400 bytes. No host has 10.8.0.3. */
static void use_slow_link(void)
{
    static const char commands[] =
        "ip link add near type veth peer name far && ip link set lo up && "
        "ip addr add 10.8.0.1/16 dev near && ip link set near up && ip link set far up && "
        "ip neigh replace 10.8.0.2 lladdr 02:00:00:00:00:02 dev near nud permanent && "
        "tc qdisc add dev near root tbf rate 8kbit burst 2kb limit 4m";
    if (unshare(CLONE_NEWNET) != 0)
        cr_skip("network namespaces take root");
    cr_assert_eq(system(commands), 0);
    struct addr bound;
    struct udp_socket_options options = {.send_buffer_bytes = 64 << 10};
    cr_assert_null(addr_parse(&bound, NULL, "10.8.0.1", 0));
    send_socket_close(&sender);
    for (int i = 0; i < 2; i++) {
        int *socket = i == 0 ? &base[0] : &reserve[0];
        close(*socket);
        *socket = udp_socket_open(&bound, &options, &bound);
        cr_assert_geq(*socket, 0);
        bound.port = 0;
    }
    send_socket_open(&sender, &monitor, base[0], reserve[0]);
}

static int fill_towards(const char *text)
{
    static const char bytes[1400];
    struct addr to;
    int count = 0;
    cr_assert_null(addr_parse(&to, NULL, text, 9));
    for (int error = 0; error == 0; count++) {
        batch_add(batch, &to, &to_the_peer, bytes, sizeof bytes);
        error = send_socket_send(&sender, batch, &waiter);
        batch_clear(batch);
    }
    return count - 1;
}

Test(send_socket_with_reserve, waits_for_an_interface_that_takes_long_for_each_datagram)
{
    use_slow_link();
    cr_assert_gt(fill_towards("10.8.0.2"), 20);
    run_for(150);
    cr_assert_eq(woken, 0, "the interface's queue is not filled from the reserve");
    cr_assert_eq(socket_send_buffer_used(reserve[0]), 0);
}

Test(send_socket_with_reserve, uses_the_reserve_for_neighbours_that_do_not_answer)
{
    use_slow_link();
    cr_assert_gt(fill_towards("10.8.0.3"), 20);
    run_for(10000);
    cr_assert_eq(woken, 1, "a datagram that waits for a neighbour is in no interface's queue");
}

Test(device_queue, counts_no_less_than_is_charged_for_what_waits_for_an_interface)
{
    static const char bytes[60000];
    static const size_t sizes[] = {1, 64, 500, 1400, 1472, 8000, 60000};
    set_up();
    use_slow_link();
    struct addr to;
    uint64_t in_queues;
    cr_assert_null(addr_parse(&to, NULL, "10.8.0.2", 9));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        batch_add(batch, &to, &to_the_peer, bytes, sizes[i]);
        batch_send_or_fail(batch, base[0]);
        cr_assert_eq(batch_counts(batch).sent, 1);
        batch_clear(batch);
        cr_assert_eq(device_queue_bytes(&in_queues), 0);
        cr_expect_geq(in_queues, socket_send_buffer_used(base[0]), "%zu bytes", sizes[i]);
        cr_expect_leq(in_queues, 4 * (uint64_t)socket_send_buffer_used(base[0]) + 1024, "%zu bytes",
                      sizes[i]);
    }
    tear_down();
}

Test(send_socket_with_reserve, a_limited_one_fills_a_large_buffer_only_with_stalled_datagrams)
{
    int large = 256 << 10;
    send_socket_close(&sender);
    cr_assert_eq(setsockopt(base[0], SOL_SOCKET, SO_SNDBUFFORCE, &large, sizeof large), 0);
    send_socket_open_limited(&sender, &monitor, base[0], 64 << 10);
    int first = fill();
    cr_assert_gt(first, 8);
    cr_assert_leq(first, 64, "no more than the limit, at 1,000 bytes each");
    int second = 0;
    for (uint64_t start_ms = clock_now_ms(); second == 0 && clock_now_ms() - start_ms < 10000;) {
        run_for(100);
        second = fill();
    }
    cr_assert_gt(second, 0, "stalled datagrams do not count");
    cr_assert_leq(second, first + 1);
    cr_assert_eq(read_all(base[1], 1000), first + second);
    run_for(10000);
    cr_assert_eq(send_one(), 0);
}

Test(send_socket_with_reserve, a_limited_one_sends_again_when_it_is_renewed)
{
    send_socket_close(&sender);
    send_socket_open_limited(&sender, &monitor, base[0], 64 << 10);
    send_socket_renew(&sender);
    cr_assert_eq(send_one(), 0);
    cr_assert_eq(read_all(base[1], 10), 1);
}
