/* A broadcast to clients of two interfaces, of which one has no room for a while, in a network
 * namespace of the test. */
#include "server/broadcast/shard_broadcast.h"

#include "net/socket/udp_socket.h"
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

/* Clients of ours, on loopback. */
struct friend
{
    int socket;
    struct addr addr;
    int copies;
};
static struct friend early, late;

static char bytes[BYTES];
static struct shard_job part;
static bool ended;

static struct addr address(const char *text, uint16_t port)
{
    struct addr addr;
    cr_assert_null(addr_parse(&addr, NULL, text, port), "%s", text);
    return addr;
}

static void on_ended(struct mailbox_message *mailbox_message)
{
    (void)mailbox_message;
    ended = true;
}

static void take_copies(struct friend *friend)
{
    char copy[BYTES];
    while (recv(friend->socket, copy, sizeof copy, 0) >= 0)
        friend->copies++;
}

static void stop(void *state)
{
    (void)state;
    loop_stop(loop);
}

/* Runs the loop until what is waited for has come, or for 10 s. */
static void run_until(bool (*has_come)(void))
{
    loop_timer_every(&tick, 1);
    for (uint64_t start_ms = clock_now_ms(); clock_now_ms() - start_ms < 10000;) {
        cr_assert_eq(loop_run_until_stopped(loop), 0);
        take_copies(&early);
        take_copies(&late);
        if (has_come())
            return;
    }
    cr_assert_fail("it has not come: sent %d, failed %d, early %d, late %d", (int)part.sent,
                   (int)part.failed, early.copies, late.copies);
}

static void open_friend(struct friend *friend)
{
    struct socket_options options = {.receive_buffer_bytes = 0};
    struct addr at = address("127.0.0.1", 0);
    friend->socket = socket_open(&at, &options, &friend->addr);
    cr_assert_geq(friend->socket, 0);
}

/* A datagram of that client came by that interface. */
static void comes_by(uint32_t interface, const struct addr *source)
{
    struct addr to = address(interface == NEAR ? "10.8.0.1" : "127.0.0.1", 0);
    to.scope = interface;
    struct registry_datagram visit = {.source = source, .local = &to, .action = REGISTRY_JOIN};
    registry_update(shard.registry, 0, &visit, 1, clock_now_ms());
}

static void open_endpoint(void)
{
    struct socket_options options = {.send_buffer_bytes = 64 << 10};
    struct addr any = {.family = ADDR_IPV4, .port = PORT}, bound;
    receiver = socket_open(&any, &options, &bound);
    cr_assert_geq(receiver, 0);
    socket_share(receiver, true);
    cr_assert_eq(send_socket_set_open(&senders, receiver, &bound, 64 << 10), 0);
    struct send_socket_set without_reserve = senders;
    without_reserve.copy_reserve = -1;
    const struct datagram_io_options to_all = {.loop = loop,
                                               .senders = without_reserve,
                                               .send_monitor = &watch,
                                               .datagram_decider = &datagram_decider,
                                               .last_errno = &last_errno,
                                               .stats = &stats,
                                               .max_datagram_bytes = BYTES,
                                               .reply_queue_bytes = 1 << 16,
                                               .socket = receiver};
    cr_assert_eq(datagram_io_open(&io, &to_all), 0);
    const struct broadcast_options options_of_broadcast = {.loop = loop,
                                                           .registry = shard.registry,
                                                           .capacity = CAPACITY,
                                                           .io_by_listener = &io,
                                                           .stats = &stats,
                                                           .last_errno = &last_errno,
                                                           .parts = 1};
    cr_assert_eq(broadcast_open(&broadcast, &options_of_broadcast), 0);
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
    open_endpoint();
    open_friend(&early);
    open_friend(&late);
    for (uint16_t i = 0; i < SLOW; i++) {
        struct addr slow = address("10.8.0.2", (uint16_t)(4000 + i));
        comes_by(NEAR, &slow);
        if (i == EARLY)
            comes_by(NEAR, &early.addr);
    }
    comes_by(LOOPBACK, &late.addr);
    part = (struct shard_job){
        .mailbox_message = {.open = on_ended}, .bytes = (const uint8_t *)bytes, .size = BYTES};
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

Test(shard_broadcast, reaches_once_a_client_that_comes_by_another_interface_meanwhile,
     .init = set_up, .fini = tear_down, .timeout = 60)
{
    broadcast_start(broadcast, &part);
    run_until(late_has_a_copy);
    cr_assert_eq(early.copies, 0, "it waits for the slow link");
    cr_assert(!ended);
    /* The one that has its copy now comes by the interface that has no room, and the one that has
     * none by the other. */
    comes_by(NEAR, &late.addr);
    comes_by(LOOPBACK, &early.addr);
    cr_assert_eq(system("tc qdisc del dev near root"), 0);
    run_until(has_ended);
    take_copies(&early);
    take_copies(&late);
    cr_expect_eq(early.copies, 1);
    cr_expect_eq(late.copies, 1);
    cr_expect_eq(part.targets, SLOW + 2);
    cr_expect_eq(part.sent, SLOW + 2);
    cr_expect_eq(part.failed, 0);
    cr_expect_eq(part.skipped, 0);
}
