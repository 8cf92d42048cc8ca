/* Two network namespaces with a link between them: see neighbours.h. */
#include "neighbours.h"

#include <sched.h>
#include <unistd.h>

void add_neighbour(struct neighbours *both, const char *near, const char *near_setup,
                   const char *far_setup)
{
    both->here = netns_here();
    expect(unshare(CLONE_NEWNET) == 0, "expected a second namespace");
    netns_shell("ip link set lo up");
    both->there = netns_here();
    netns_switch(both->here);
    netns_shell(harness_format("ip link add %s type veth peer name far netns /proc/%d/fd/%d\n"
                               "ip link set %s addrgenmode none\n"
                               "%s\n"
                               "ip link set %s up",
                               near, (int)getpid(), both->there, near, near_setup, near));
    netns_switch(both->there);
    netns_shell(
        harness_format("ip link set far addrgenmode none\n%s\nip link set far up", far_setup));
    netns_await_ipv6();
    netns_switch(both->here);
    netns_await_ipv6();
}

int udp_open_in(int netns, const struct neighbours *both, const char *local)
{
    int udp;

    netns_switch(netns);
    udp = udp_open(local);
    netns_switch(both->here);
    return udp;
}

void netns_shell_in(int netns, const struct neighbours *both, const char *command)
{
    netns_switch(netns);
    netns_shell(command);
    netns_switch(both->here);
}

struct endpoint neighbour_endpoint(const struct neighbours *both, const char *host, uint16_t port)
{
    struct endpoint endpoint;

    netns_switch(both->there);
    endpoint = endpoint_with_port(host, port);
    netns_switch(both->here);
    return endpoint;
}
