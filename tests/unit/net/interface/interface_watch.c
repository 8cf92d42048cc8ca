#include "net/interface/interface_watch.h"

#include "net/socket/udp_socket.h"
#include "netns_fixture.h"
#include "no_netlink.h"
#include "os/process/clock.h"

#include <sys/socket.h>

static struct loop *loop;
static struct interface_watch *watch;
static int changes, wanted_changes;
static uint32_t gone;

static void removed(void *state, uint32_t interface)
{
    (void)state;
    gone = interface;
}

static void changed(void *state)
{
    (void)state;
    if (++changes >= wanted_changes)
        loop_stop(loop);
}

static const struct interface_watch_callbacks callbacks = {removed, changed};

static void open_watch(void)
{
    loop = loop_new();
    cr_assert_not_null(loop);
    cr_assert_eq(interface_watch_open(&watch, loop, &callbacks, NULL), 0);
}

static void close_watch(void)
{
    interface_watch_close(watch);
    loop_free(loop);
}

TestSuite(interface_watch, .timeout = 20);

static void await_changes(int count)
{
    changes = 0;
    wanted_changes = count;
    gone = 0;
    cr_assert_eq(loop_run_until_stopped(loop), 0);
}

static void stop(void *state)
{
    (void)state;
    loop_stop(loop);
}

/* What is there already, and nothing that has to be waited for. */
static void run_a_round(void)
{
    struct loop_task task = {.run = stop};
    changes = 0;
    wanted_changes = 1 << 30;
    loop_defer(loop, &task);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
}

Test(interface_watch, addresses_and_interfaces_that_come_and_go_are_told)
{
    enter_netns();
    open_watch();
    ip("ip addr add 10.1.0.1/24 dev lo");
    await_changes(1);
    ip("ip addr add fd01::1/64 dev lo");
    await_changes(1);
    ip("ip addr del 10.1.0.1/24 dev lo");
    await_changes(1);
    ip("ip link add here type veth peer name there");
    await_changes(1);
    cr_assert_eq(gone, 0);
    close_watch();
}

Test(interface_watch, an_interface_that_is_gone_is_named_even_if_its_name_is_there_again)
{
    enter_netns();
    open_watch();
    ip("ip link add here index 77 type veth peer name there index 78");
    await_changes(1);
    ip("ip link del here && ip link add here index 77 type veth peer name there index 79");
    await_changes(1);
    cr_assert(gone == 77 || gone == 78, "%u", gone);
    close_watch();
}

Test(interface_watch, a_port_that_leaves_its_bridge_is_not_gone)
{
    enter_netns();
    ip("ip link add bridge0 type bridge && ip link add here type veth peer name there && "
       "ip link set here master bridge0");
    open_watch();
    ip("ip link set here nomaster");
    await_changes(1);
    cr_assert_eq(gone, 0);
    close_watch();
}

Test(interface_watch, messages_that_were_lost_are_a_change)
{
    enter_netns();
    open_watch();
    ip("(for i in $(seq 1 3000); do echo addr add 10.1.0.1/24 dev lo; "
       "echo addr del 10.1.0.1/24 dev lo; done) | ip -batch -");
    await_changes(1);
    run_a_round();
    close_watch();
}

Test(interface_watch, a_poll_comes_each_second_until_it_is_ended)
{
    enter_netns();
    open_watch();
    uint64_t start_ms = clock_now_ms();
    interface_watch_poll(watch, true);
    await_changes(2);
    uint64_t took_ms = clock_now_ms() - start_ms;
    cr_assert(took_ms >= 1900 && took_ms <= 2500, "%d ms", (int)took_ms);
    interface_watch_poll(watch, false);
    run_a_round();
    cr_assert_eq(changes, 0);
    close_watch();
}

Test(interface_watch, without_netlink_it_is_looked_each_second)
{
    if (!forbid_netlink())
        cr_skip("this host has no seccomp: %s", strerror(errno));
    cr_assert_eq(socket(AF_NETLINK, SOCK_RAW, 0), -1);
    open_watch();
    uint64_t start_ms = clock_now_ms();
    await_changes(1);
    uint64_t took_ms = clock_now_ms() - start_ms;
    cr_assert(took_ms >= 900 && took_ms <= 1500, "%d ms", (int)took_ms);
    close_watch();
}
