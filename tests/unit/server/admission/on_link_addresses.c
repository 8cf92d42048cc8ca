/* Reading the networks and neighbours of a host, and the list of on-link addresses that is made of
 * them, in a network namespace of the test. */
#include "server/admission/on_link_addresses.h"

#include "addr_fixture.h"
#include "net/interface/interface.h"
#include "net/interface/neighbour.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

static void enter_namespace(const char *commands)
{
    if (unshare(CLONE_NEWNET) != 0)
        cr_skip("network namespaces take root");
    cr_assert_eq(system(commands), 0, "%s", commands);
}

static const char LINK[] =
    "ip link add near type veth peer name far && "
    "ip link set near addrgenmode none && ip link set far addrgenmode none && "
    "ip addr add 10.8.0.1/16 dev near && ip addr add fd08::1/64 dev near nodad && "
    "ip link set lo up && ip link set near up && ip link set far up";

static bool has(const struct cidr *blocks, size_t count, const char *text)
{
    struct cidr wanted;
    cr_assert_null(cidr_parse(&wanted, text));
    for (size_t i = 0; i < count; i++)
        if (cidr_compare(&blocks[i], &wanted) == 0)
            return true;
    return false;
}

Test(interface, lists_the_networks_whose_neighbours_are_resolved)
{
    struct cidr *networks;
    size_t count;
    enter_namespace(LINK);
    cr_assert_eq(interface_networks(&networks, &count), 0);
    cr_assert(has(networks, count, "10.8.0.0/16"));
    cr_assert(has(networks, count, "fd08::/64"));
    for (size_t i = 0; i < count; i++) {
        char text[CIDR_TEXT_BYTES];
        cidr_format(&networks[i], text);
        cr_assert(strcmp(text, "10.8.0.0/16") == 0 || strcmp(text, "fd08::/64") == 0,
                  "%s: loopback resolves no neighbours", text);
    }
    free(networks);
}

Test(interface, lists_the_networks_of_routes_without_a_gateway)
{
    struct cidr *networks;
    size_t count;
    enter_namespace(LINK);
    cr_assert_eq(
        system("ip route add 10.9.0.0/16 dev near && ip -6 route add fd09::/64 dev near && "
               "ip route add 10.10.0.0/16 via 10.8.0.2 && "
               "ip -6 route add fd10::/64 via fd08::2 && "
               "ip route add 10.11.0.0/16 via inet6 fd08::2 dev near && "
               "ip route add 10.12.0.0/16 dev lo && ip route add unreachable 10.13.0.0/16"),
        0);
    cr_assert_eq(interface_networks(&networks, &count), 0);
    cr_expect(has(networks, count, "10.8.0.0/16"));
    cr_expect(has(networks, count, "10.9.0.0/16"));
    cr_expect(has(networks, count, "fd09::/64"));
    cr_expect_not(has(networks, count, "10.10.0.0/16"), "it is reached by a gateway");
    cr_expect_not(has(networks, count, "fd10::/64"), "it is reached by a gateway");
    cr_expect_not(has(networks, count, "10.11.0.0/16"), "it is reached by an IPv6 gateway");
    cr_expect_not(has(networks, count, "10.12.0.0/16"), "loopback resolves no neighbours");
    cr_expect_not(has(networks, count, "10.13.0.0/16"), "nothing is sent there");
    free(networks);
}

Test(interface, lists_all_addresses_where_the_default_route_names_no_gateway)
{
    struct cidr *networks;
    size_t count;
    enter_namespace(LINK);
    cr_assert_eq(system("ip route add default dev near"), 0);
    cr_assert_eq(interface_networks(&networks, &count), 0);
    cr_expect(has(networks, count, "0.0.0.0/0"));
    free(networks);
}

Test(interface, leaves_out_interfaces_without_neighbours)
{
    struct cidr *networks;
    size_t count;
    enter_namespace("ip link add near type veth peer name far && ip link set near arp off && "
                    "ip addr add 10.8.0.1/16 dev near && ip link set near up");
    cr_assert_eq(interface_networks(&networks, &count), 0);
    cr_assert_eq(count, 0);
    free(networks);
}

Test(interface, counts_a_link_local_network_as_all_of_fe80)
{
    struct cidr *networks;
    size_t count;
    enter_namespace(
        "ip link add near type veth peer name far && ip link set near addrgenmode none && "
        "ip addr add fe80::5/64 dev near nodad && ip link set near up");
    cr_assert_eq(interface_networks(&networks, &count), 0);
    cr_assert_geq(count, 1);
    cr_assert(has(networks, count, "fe80::/10"));
    free(networks);
}

static const char NEIGHBOURS[] =
    "ip neigh add 10.8.0.2 lladdr 02:00:00:00:00:02 dev near nud reachable && "
    "ip neigh add 10.8.0.3 lladdr 02:00:00:00:00:03 dev near nud stale && "
    "ip neigh add 10.8.0.4 dev near nud failed && "
    "ip neigh add 10.8.0.5 dev near nud incomplete && "
    "ip neigh add fd08::2 lladdr 02:00:00:00:00:02 dev near nud permanent";

Test(neighbour, lists_neighbours_to_which_datagrams_are_sent_at_once)
{
    struct cidr *neighbours;
    size_t count;
    enter_namespace(LINK);
    cr_assert_eq(system(NEIGHBOURS), 0);
    cr_assert_eq(neighbour_list(&neighbours, &count, 1000), 0);
    cr_assert(has(neighbours, count, "10.8.0.2"));
    cr_assert(has(neighbours, count, "10.8.0.3"));
    cr_assert(has(neighbours, count, "fd08::2"));
    cr_assert_not(has(neighbours, count, "10.8.0.4"));
    cr_assert_not(has(neighbours, count, "10.8.0.5"));
    free(neighbours);
}

Test(neighbour, reads_a_table_that_takes_many_messages)
{
    enum { MANY = 700 };
    struct cidr *neighbours;
    size_t count;
    enter_namespace(LINK);
    cr_assert_eq(system("i=0; while [ $i -lt 700 ]; do i=$((i+1)); "
                        "echo neigh add 10.8.$((i/250+1)).$((i%250+1)) lladdr 02:00:00:00:00:02 "
                        "dev near nud permanent; done | ip -batch -"),
                 0);
    cr_assert_eq(neighbour_list(&neighbours, &count, 1000), 0);
    cr_assert_geq(count, MANY);
    cr_assert(has(neighbours, count, "10.8.1.2"));
    cr_assert(has(neighbours, count, "10.8.3.200"));
    free(neighbours);
    cr_assert_eq(neighbour_list(&neighbours, &count, 10), 0);
    cr_assert_eq(count, 10, "no more than asked for");
    free(neighbours);
}

Test(on_link_addresses, has_the_addresses_of_our_links_that_are_not_known_to_answer)
{
    static const struct {
        const char *addr;
        bool on_link;
    } cases[] = {
        {"10.8.200.7", true}, {"10.8.0.4", true},   {"10.8.0.5", true},   {"fd08::99", true},
        {"10.8.0.2", false},  {"10.8.0.3", false},  {"fd08::2", false},   {"10.9.0.1", false},
        {"fd09::1", false},   {"192.0.2.1", false}, {"127.0.0.1", false}, {"::1", false},
    };
    struct access_list *on_link;
    enter_namespace(LINK);
    cr_assert_eq(system(NEIGHBOURS), 0);
    cr_assert_eq(on_link_addresses_list(&on_link), 0);
    cr_assert_not_null(on_link);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct addr addr = address(cases[i].addr);
        cr_expect_eq(access_list_admits(on_link, &addr), cases[i].on_link, "%s", cases[i].addr);
    }
    access_list_free(on_link);
}

Test(on_link_addresses, is_empty_on_a_host_without_links)
{
    struct access_list *on_link;
    enter_namespace("ip link set lo up");
    cr_assert_eq(on_link_addresses_list(&on_link), 0);
    cr_assert_null(on_link);
}
