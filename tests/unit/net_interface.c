#include "net/interface.h"

#include "netns_fixture.h"

TestSuite(net_interface, .timeout = 20);

static bool has(const struct broadcast_addrs *set, const char *text)
{
    struct addr addr;
    cr_assert_eq(addr_parse(&addr, NULL, text, 0), NULL, "%s", text);
    return broadcast_addrs_has(set, &addr);
}

Test(net_interface, each_network_has_its_broadcast_address)
{
    static struct broadcast_addrs set;
    enter_netns();
    ip("ip link add here type veth peer name there && ip link set here up && "
       "ip addr add 10.1.0.1/24 dev here && ip addr add 10.2.0.1/22 dev here && "
       "ip addr add 10.3.0.1/24 brd 10.3.0.77 dev here && ip addr add 10.4.0.0/31 dev here && "
       "ip addr add 10.5.0.255/32 dev here && ip addr add 10.1.0.2/24 dev here label here:1");
    interface_broadcast_addrs(&set);
    cr_assert(has(&set, "127.255.255.255"));
    cr_assert(has(&set, "10.1.0.255"));
    cr_assert(has(&set, "10.2.3.255"));
    cr_assert(has(&set, "10.3.0.77"));
    cr_assert(has(&set, "10.3.0.255"));
    cr_assert_not(has(&set, "10.4.0.1"));
    cr_assert_not(has(&set, "10.5.0.255"));
    cr_assert_eq(set.count, 5);
    ip("ip link set here down");
    interface_broadcast_addrs(&set);
    cr_assert_eq(set.count, 1);
}

Test(net_interface, more_addresses_than_a_page_holds_are_all_read)
{
    static struct broadcast_addrs set;
    enter_netns();
    ip("for i in $(seq 0 249); do echo addr add 10.1.$i.1/24 dev lo; done | ip -batch -");
    interface_broadcast_addrs(&set);
    cr_assert_eq(set.count, 251);
}
