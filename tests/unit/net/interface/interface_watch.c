/* Watching interfaces for changes, with and without netlink. */
#include "net/interface/interface_watch.h"

#include "netns_fixture.h"
#include "no_netlink.h"
#include "os/process/clock.h"

#include <sys/socket.h>

static struct loop *loop;
static struct interface_watch *watch;
static int changes, wanted_changes;
static uint32_t removed_index;

static void removed(void *state, uint32_t interface)
{
    (void)state;
    removed_index = interface;
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
    removed_index = 0;
    cr_assert_eq(loop_run_until_stopped(loop), 0);
}

static void stop(void *state)
{
    (void)state;
    loop_stop(loop);
}

/* Runs one round: what is there already, without waiting. */
static void run_a_round(void)
{
    struct loop_task task = {.run = stop};
    changes = 0;
    wanted_changes = 1 << 30;
    loop_defer(loop, &task);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
}

Test(interface_watch, reports_addresses_and_interfaces_that_are_added_and_removed)
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
    cr_assert_eq(removed_index, 0);
    close_watch();
}

Test(interface_watch, reports_a_removed_interface_even_if_a_new_one_has_its_name)
{
    enter_netns();
    open_watch();
    ip("ip link add here index 77 type veth peer name there index 78");
    await_changes(1);
    ip("ip link del here && ip link add here index 77 type veth peer name there index 79");
    await_changes(1);
    cr_assert(removed_index == 77 || removed_index == 78, "%u", removed_index);
    close_watch();
}

Test(interface_watch, does_not_report_a_port_that_leaves_its_bridge_as_removed)
{
    enter_netns();
    ip("ip link add bridge0 type bridge && ip link add here type veth peer name there && "
       "ip link set here master bridge0");
    open_watch();
    ip("ip link set here nomaster");
    await_changes(1);
    cr_assert_eq(removed_index, 0);
    close_watch();
}

Test(interface_watch, reports_lost_messages_as_a_change)
{
    enter_netns();
    open_watch();
    ip("(for i in $(seq 1 3000); do echo addr add 10.1.0.1/24 dev lo; "
       "echo addr del 10.1.0.1/24 dev lo; done) | ip -batch -");
    await_changes(1);
    run_a_round();
    close_watch();
}

Test(interface_watch, polls_each_second_until_that_is_ended)
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

Test(interface_watch, polls_each_second_without_netlink)
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
