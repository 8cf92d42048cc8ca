/* A broadcast to clients of two interfaces, one of which is blocked for a while, in a network
 * namespace of the test. */
#include "server/broadcast/shard_broadcast.h"

#include "net/socket/socket_descriptor.h"
#include "net/socket/udp_socket.h"
#include "os/loop/mailbox.h"
#include "os/loop/timer.h"
#include "os/process/clock.h"
#include "registry_fixture.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The numbers of the interfaces; which ones does not matter. */
enum { LOOPBACK = 1, NEAR = 2 };

enum { CAPACITY = 512, BYTES = 1400, SLOW = 200, EARLY = 100, PORT = 3000 };

static struct loop *loop;
static struct loop_timer tick;
static struct shard shard;
static struct send_monitor watch;
static struct send_socket_set senders;
static struct datagram_decider datagram_decider;
static struct stats stats;
static struct datagram_io *io;
static struct broadcast *broadcast;
static int last_errno, receiver;

/* Clients on loopback, with sockets of the test. */
struct test_client {
    int socket;
    struct addr addr;
    int copies;
};
static struct test_client early, late;

static char bytes[BYTES];
static struct shard_job job;
static bool ended;

static struct addr address(const char *text, uint16_t port)
{
    struct addr addr;
    cr_assert_null(addr_parse(&addr, NULL, text, port), "%s", text);
    return addr;
}

static void on_ended(struct mailbox_message *completion)
{
    (void)completion;
    ended = true;
}

static void take_copies(struct test_client *client)
{
    char copy[BYTES];
    while (recv(client->socket, copy, sizeof copy, 0) >= 0)
        client->copies++;
}

static void stop(void *state)
{
    (void)state;
    loop_stop(loop);
}

/* Runs the loop until the condition is true, for at most 10 s. */
static void run_until(bool (*is_reached)(void))
{
    loop_timer_every(&tick, 1);
    for (uint64_t start_ms = clock_now_ms(); clock_now_ms() - start_ms < 10000;) {
        cr_assert_eq(loop_run_until_stopped(loop), 0);
        take_copies(&early);
        take_copies(&late);
        if (is_reached())
            return;
    }
    cr_assert_fail("not reached: sent %d, failed %d, early %d, late %d", (int)job.sent,
                   (int)job.failed, early.copies, late.copies);
}

static void open_client(struct test_client *client)
{
    struct udp_socket_options options = {.receive_buffer_bytes = 0};
    struct addr at = address("127.0.0.1", 0);
    client->socket = udp_socket_open(&at, &options, &client->addr);
    cr_assert_geq(client->socket, 0);
}

/* Records a datagram of that client that was received by that interface. */
static void receive_by(uint32_t interface, const struct addr *source)
{
    struct addr to = address(interface == NEAR ? "10.8.0.1" : "127.0.0.1", 0);
    to.scope = interface;
    struct registry_datagram datagram = {.source = source, .local = &to, .action = REGISTRY_JOIN};
    registry_update(shard.registry, 0, &datagram, 1, clock_now_ms());
}

static void open_broadcast(void)
{
    struct udp_socket_options options = {.send_buffer_bytes = 64 << 10};
    struct addr any = {.family = ADDR_IPV4, .port = PORT}, bound;
    receiver = udp_socket_open(&any, &options, &bound);
    cr_assert_geq(receiver, 0);
    udp_socket_allow_sharing(receiver, true);
    cr_assert_eq(send_socket_set_open(&senders, receiver, &bound, 64 << 10), 0);
    struct send_socket_set without_reserve = senders;
    without_reserve.copy_reserve = -1;
    const struct datagram_io_options io_options = {.loop = loop,
                                                   .senders = without_reserve,
                                                   .send_monitor = &watch,
                                                   .datagram_decider = &datagram_decider,
                                                   .last_errno = &last_errno,
                                                   .stats = &stats,
                                                   .max_datagram_bytes = BYTES,
                                                   .reply_queue_bytes = 1 << 16,
                                                   .socket = receiver};
    cr_assert_eq(datagram_io_open(&io, &io_options), 0);
    const struct broadcast_options broadcast_options = {.loop = loop,
                                                        .registry = shard.registry,
                                                        .capacity = CAPACITY,
                                                        .io_by_listener = &io,
                                                        .stats = &stats,
                                                        .last_errno = &last_errno,
                                                        .worker_count = 1};
    cr_assert_eq(broadcast_open(&broadcast, &broadcast_options), 0);
}

static void set_up(void)
{
    if (unshare(CLONE_NEWNET) != 0)
        cr_skip("network namespaces take root");
    cr_assert_eq(
        system("ip link add near type veth peer name far && ip link set lo up && "
               "ip addr add 10.8.0.1/16 dev near && ip link set near up && ip link set far up && "
               "ip neigh replace 10.8.0.2 lladdr 02:00:00:00:00:02 dev near nud permanent && "
               "tc qdisc add dev near root tbf rate 8kbit burst 2kb limit 4m"),
        0);
    loop = loop_new();
    cr_assert_eq(loop_timer_open(loop, &tick, stop, NULL), 0);
    cr_assert_eq(send_monitor_open(&watch, loop), 0);
    shard = shard_new(CAPACITY, 60000, clock_now_ms());
    open_broadcast();
    open_client(&early);
    open_client(&late);
    for (uint16_t i = 0; i < SLOW; i++) {
        struct addr slow = address("10.8.0.2", (uint16_t)(4000 + i));
        receive_by(NEAR, &slow);
        if (i == EARLY)
            receive_by(NEAR, &early.addr);
    }
    receive_by(LOOPBACK, &late.addr);
    job = (struct shard_job){
        .completion = {.handle = on_ended}, .bytes = (const uint8_t *)bytes, .size = BYTES};
}

static void tear_down(void)
{
    broadcast_close(broadcast);
    datagram_io_close(io);
    send_monitor_close(&watch);
    send_socket_set_close(&senders);
    socket_close(receiver);
    close(early.socket);
    close(late.socket);
    shard_free(&shard);
    loop_timer_close(&tick);
    loop_free(loop);
}

static bool late_has_a_copy(void)
{
    return late.copies > 0;
}

static bool has_ended(void)
{
    return ended;
}

static bool is_always(void)
{
    return true;
}

Test(shard_broadcast, sends_one_copy_to_a_client_that_changes_its_interface_meanwhile,
     .init = set_up, .fini = tear_down, .timeout = 60)
{
    broadcast_start(broadcast, &job);
    run_until(late_has_a_copy);
    cr_assert_eq(early.copies, 0, "it waits for the slow link");
    cr_assert(!ended);
    /* The client that has its copy changes to the blocked interface, and the one without a copy to
     * the other one. */
    receive_by(NEAR, &late.addr);
    receive_by(LOOPBACK, &early.addr);
    cr_assert_eq(system("tc qdisc del dev near root"), 0);
    run_until(has_ended);
    take_copies(&early);
    take_copies(&late);
    cr_expect_eq(early.copies, 1);
    cr_expect_eq(late.copies, 1);
    cr_expect_eq(job.targets, SLOW + 2);
    cr_expect_eq(job.sent, SLOW + 2);
    cr_expect_eq(job.failed, 0);
    cr_expect_eq(job.skipped, 0);
}

/* ---- with a selector ---- */

static struct client_selector selector;

static void select_block(const char *text)
{
    selector = client_selector_all();
    cr_assert_null(cidr_parse(&selector.blocks[selector.block_count++], text));
    job.selector = &selector;
}

static void expect_ended(int copies, uint64_t targets)
{
    take_copies(&early);
    take_copies(&late);
    cr_expect_eq(early.copies, copies);
    cr_expect_eq(late.copies, copies);
    cr_expect_eq(job.targets, targets);
    cr_expect_eq(job.sent, targets);
    cr_expect_eq(job.failed, 0);
    cr_expect_eq(job.skipped, 0);
}

Test(shard_broadcast, with_a_selector_reaches_only_clients_that_match, .init = set_up,
     .fini = tear_down, .timeout = 60)
{
    select_block("127.0.0.0/8");
    broadcast_start(broadcast, &job);
    cr_expect_eq(job.targets, 0, "they are counted at their turn");
    run_until(has_ended);
    expect_ended(1, 2);
}

Test(shard_broadcast, with_a_selector_ends_when_no_client_matches, .init = set_up,
     .fini = tear_down, .timeout = 60)
{
    select_block("192.0.2.0/24");
    broadcast_start(broadcast, &job);
    run_until(has_ended);
    expect_ended(0, 0);
}

Test(shard_broadcast, with_a_selector_waits_for_a_blocked_interface, .init = set_up,
     .fini = tear_down, .timeout = 60)
{
    select_block("10.8.0.0/16");
    broadcast_start(broadcast, &job);
    for (int i = 0; i < 20; i++)
        run_until(is_always);
    cr_assert(!ended, "it waits for the slow link");
    cr_expect_eq(job.targets, job.sent, "those who wait are no targets yet");
    cr_assert_eq(system("tc qdisc del dev near root"), 0);
    run_until(has_ended);
    expect_ended(0, SLOW);
}

/* A slice then reads more clients that match than may get a copy at once. */
Test(shard_broadcast, with_a_selector_keeps_its_rate_and_reaches_each_client_once, .init = set_up,
     .fini = tear_down, .timeout = 60)
{
    cr_assert_eq(system("tc qdisc del dev near root"), 0);
    select_block("0.0.0.0/0");
    broadcast_set_rate(broadcast, 1000);
    broadcast_start(broadcast, &job);
    uint64_t start_ms = clock_now_ms();
    run_until(has_ended);
    cr_expect_geq(clock_now_ms() - start_ms, (SLOW + 2 - BATCH_MAX) * 1000 / 1000);
    expect_ended(1, SLOW + 2);
}

Test(shard_broadcast, that_is_cancelled_skips_no_client_that_had_no_turn, .init = set_up,
     .fini = tear_down, .timeout = 60)
{
    select_block("10.8.0.0/16");
    broadcast_start(broadcast, &job);
    for (int i = 0; i < 20; i++)
        run_until(is_always);
    cr_assert(!ended);
    broadcast_cancel(broadcast, &job);
    cr_expect(ended);
    cr_expect_lt(job.targets, SLOW);
    cr_expect_eq(job.targets, job.sent + job.failed);
    cr_expect_eq(job.skipped, 0);
}

/* ---- the handover ---- */

static struct shard_job *find_job(void *state, enum broadcast_queue queue,
                                  const struct shard_job_name *name)
{
    cr_assert_eq(queue, BROADCAST_OPERATOR);
    cr_assert_eq(name->number, 7);
    return state;
}

/* Another process continues, with sockets of its own, which have space. */
static void replace(void)
{
    struct handover_writer writer = {.size = 0};
    handover_begin(&writer, 1);
    broadcast_hand_over(broadcast, &writer);
    handover_end(&writer);
    broadcast_close(broadcast);
    datagram_io_close(io);
    send_socket_set_close(&senders);
    socket_close(receiver);
    job.targets = job.sent = job.failed = job.skipped = 0;
    ended = false;
    struct handover_reader reader = {.bytes = writer.bytes, .size = writer.size};
    handover_next(&reader);
    open_broadcast();
    cr_assert_eq(broadcast_take_over(broadcast, &reader, find_job, &job), 0);
    cr_assert(handover_is_at_end(&reader));
    handover_writer_free(&writer);
}

Test(shard_broadcast, goes_on_in_another_process_while_a_link_is_blocked, .init = set_up,
     .fini = tear_down, .timeout = 60)
{
    job.name.number = 7;
    broadcast_start(broadcast, &job);
    run_until(late_has_a_copy);
    cr_assert(!ended);
    cr_assert_eq(early.copies, 0);
    receive_by(NEAR, &late.addr);
    receive_by(LOOPBACK, &early.addr);
    replace();
    cr_assert_eq(system("tc qdisc del dev near root"), 0);
    run_until(has_ended);
    expect_ended(1, SLOW + 2);
}
