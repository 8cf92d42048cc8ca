/* The interfaces of a host, and which are ports of others. */
#include "net/interface/interface_links.h"

#include "netns_fixture.h"

#include <net/if.h>
#include <stdio.h>

TestSuite(interface_links, .timeout = 60);

static struct interface_link *links;
static size_t count;

static void read_links(void)
{
    free(links);
    cr_assert_eq(interface_links_read(&links, &count), 0);
}

static void expect(const char *name, const char *upper, uint32_t mtu)
{
    const struct interface_link *link = interface_links_find(links, count, if_nametoindex(name));
    cr_assert_not_null(link, "%s", name);
    cr_assert_eq(link->upper, upper != NULL ? if_nametoindex(upper) : 0, "%s", name);
    cr_assert_eq(link->mtu, mtu, "%s has %u", name, link->mtu);
}

/* Adds an interface (ip-link(8)) of a kind that a kernel may lack. Returns whether it has it. */
static bool can_add(const char *interface, const char *kind)
{
    char command[200];
    snprintf(command, sizeof command, "ip link add %s type %s 2>/dev/null", interface, kind);
    return system(command) == 0;
}

Test(interface_links, each_has_its_index_and_mtu)
{
    enter_netns();
    ip("ip link add one type veth peer name two && ip link set one mtu 1400");
    read_links();
    cr_assert_geq(count, 3);
    expect("lo", NULL, 65536);
    expect("one", NULL, 1400);
    expect("two", NULL, 1500);
    cr_assert_null(interface_links_find(links, count, 0));
}

Test(interface_links, a_port_names_its_bridge)
{
    enter_netns();
    if (!can_add("bridge", "bridge"))
        cr_skip("this kernel has no bridges");
    ip("ip link add one type veth peer name two && ip link set one master bridge");
    read_links();
    expect("one", "bridge", 1500);
    expect("bridge", NULL, 1500);
    ip("ip link set one nomaster");
    read_links();
    expect("one", NULL, 1500);
}

Test(interface_links, a_bridge_can_filter_vlans)
{
    enter_netns();
    if (!can_add("bridge", "bridge"))
        cr_skip("this kernel has no bridges");
    ip("ip link add one type veth peer name two && ip link set one master bridge");
    if (system("ip link set bridge type bridge vlan_filtering 1 2>/dev/null") != 0)
        cr_skip("this kernel has no bridges that filter VLANs");
    read_links();
    cr_assert(interface_links_find(links, count, if_nametoindex("bridge"))->filters_vlans);
    cr_assert_not(interface_links_find(links, count, if_nametoindex("one"))->filters_vlans);
    ip("ip link set bridge type bridge vlan_filtering 0");
    read_links();
    cr_assert_not(interface_links_find(links, count, if_nametoindex("bridge"))->filters_vlans);
}

Test(interface_links, a_port_names_its_bond)
{
    enter_netns();
    if (!can_add("bond", "bond mode active-backup"))
        cr_skip("this kernel has no bonds");
    ip("ip link add one type veth peer name two && ip link set one master bond");
    read_links();
    expect("one", "bond", 1500);
}

Test(interface_links, a_vrf_receives_nothing_itself)
{
    enter_netns();
    if (!can_add("vrf", "vrf table 10"))
        cr_skip("this kernel has no VRF");
    ip("ip link add one type veth peer name two && ip link set one master vrf");
    read_links();
    expect("one", NULL, 1500);
}

Test(interface_links, a_vlan_is_an_interface_beside_its_own)
{
    enter_netns();
    ip("ip link add one type veth peer name two");
    if (!can_add("link one name tagged", "vlan id 100"))
        cr_skip("this kernel has no VLANs");
    read_links();
    expect("one", NULL, 1500);
    expect("tagged", NULL, 1500);
}

Test(interface_links, more_than_a_part_of_the_answer_holds_are_all_read)
{
    enter_netns();
    ip("for i in $(seq 100); do echo link add a$i type veth peer name b$i; done | ip -batch -");
    read_links();
    cr_assert_geq(count, 201);
    expect("a1", NULL, 1500);
    expect("b100", NULL, 1500);
}
