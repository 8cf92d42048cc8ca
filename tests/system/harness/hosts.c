/* Hosts on one bridge: see hosts.h. */
#include "hosts.h"

#include "harness.h"

#include <sched.h>
#include <unistd.h>

static void add_host(struct hosts *hosts, int i)
{
    expect(unshare(CLONE_NEWNET) == 0, "expected another namespace");
    netns_shell("ip link set lo up");
    hosts->host[i] = netns_here();
    netns_switch(hosts->bridge);
    netns_shell(harness_format("ip link add port%d type veth peer name eth0 netns /proc/%d/fd/%d\n"
                               "ip link set port%d master bridge up",
                               i, (int)getpid(), hosts->host[i], i));
    netns_switch(hosts->host[i]);
    netns_shell(harness_format("ip link set eth0 addrgenmode none\n"
                               "ip addr add 10.7.0.%d/24 dev eth0\n"
                               "ip addr add fd07::%d/64 dev eth0 nodad\n"
                               "ip addr add fe80::%d/64 dev eth0 nodad\n"
                               "ip link set eth0 up",
                               i + 1, i + 1, i + 1));
}

/* Waits until each port of the bridge forwards. The kernel handles the carrier of a port some time
 * after the link is up, and the bridge drops multicast until then. */
static void await_bridge(const struct hosts *hosts)
{
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;

    netns_switch(hosts->bridge);
    while (text_count(run_ok(NULL, "bridge", "link", "show", NULL), "state forwarding") < HOSTS) {
        expect(harness_now_ms() < deadline, "expected the bridge to forward between %d hosts",
               HOSTS);
        harness_wait_ms(1);
    }
}

void hosts_build(struct hosts *hosts)
{
    netns_enter();
    hosts->bridge = netns_here();
    netns_shell("ip link add bridge type bridge mcast_snooping 0\nip link set bridge up");
    for (int i = 0; i < HOSTS; i++)
        add_host(hosts, i);
    await_bridge(hosts);
    for (int i = HOSTS - 1; i >= 0; i--) {
        netns_switch(hosts->host[i]);
        netns_await_ipv6();
    }
}
