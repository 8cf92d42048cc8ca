/* Interfaces: broadcast addresses, states of addresses, routes. */
#include "net/interface/interface.h"

#include "netns_fixture.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(interface, .timeout = 20);

static bool has(const struct broadcast_addrs *set, const char *text)
{
    struct addr addr;
    cr_assert_eq(addr_parse(&addr, NULL, text, 0), NULL, "%s", text);
    return broadcast_addrs_contains(set, &addr);
}

Test(interface, each_network_has_its_broadcast_address)
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

Test(interface, more_addresses_than_a_page_holds_are_all_read)
{
    static struct broadcast_addrs set;
    enter_netns();
    ip("for i in $(seq 0 249); do echo addr add 10.1.$i.1/24 dev lo; done | ip -batch -");
    interface_broadcast_addrs(&set);
    cr_assert_eq(set.count, 251);
}

static struct addr address(const char *text)
{
    char zone[ADDR_ZONE_BYTES];
    struct addr addr;
    cr_assert_eq(addr_parse(&addr, zone, text, 0), NULL, "%s", text);
    return addr;
}

static enum interface_address state_of(const char *text)
{
    struct addr addr = address(text);
    return interface_address(&addr);
}

Test(interface, address_in_duplicate_detection_is_tentative)
{
    enter_netns();
    ip("ip link add here type veth peer name there && ip link set here up && "
       "ip link set there up && ip addr add fd01::1/64 dev here nodad && "
       "sysctl -qw net.ipv6.conf.here.dad_transmits=3 && ip addr add fd01::2/64 dev here");
    cr_assert_eq(state_of("fd01::1"), INTERFACE_ADDRESS_PRESENT);
    cr_assert_eq(state_of("fd01::2"), INTERFACE_ADDRESS_TENTATIVE);
    cr_assert_eq(state_of("fd01::3"), INTERFACE_ADDRESS_ABSENT);
    cr_assert_eq(state_of("10.1.0.1"), INTERFACE_ADDRESS_ABSENT);
    ip("ip addr add 10.1.0.1/24 dev here");
    cr_assert_eq(state_of("10.1.0.1:80"), INTERFACE_ADDRESS_PRESENT);
    cr_assert_eq(state_of("10.1.0.255"), INTERFACE_ADDRESS_ABSENT);
}

Test(interface, routes_select_an_interface_which_has_a_name)
{
    char name[ADDR_ZONE_BYTES];
    enter_netns();
    struct addr group = address("239.1.2.3"), wide = address("ff05::1");
    cr_assert_eq(interface_route_lookup(&group), 0);
    ip("ip link add here index 77 type veth peer name there && ip link set here up && "
       "ip link set there up && ip addr add 10.1.0.1/24 dev here && "
       "ip route add 239.0.0.0/8 dev here && ip -6 route add ff05::/16 dev here table local");
    cr_assert_eq(interface_route_lookup(&group), 77);
    cr_assert_eq(interface_route_lookup(&wide), 77);
    cr_assert(interface_name(77, name));
    cr_assert_str_eq(name, "here");
    ip("ip link del here");
    cr_assert_eq(interface_route_lookup(&group), 0);
    cr_assert_not(interface_name(77, name));
    cr_assert_str_eq(name, "");
}

Test(interface, is_found_by_its_name)
{
    cr_assert_gt(interface_index("lo"), 0);
    cr_assert_eq(interface_index("no-such-zone"), 0);
}

/* ---- drops ---- */

static uint32_t send_drops(const char *name)
{
    uint32_t drops = UINT32_MAX;
    cr_assert_eq(interface_send_drops(name, &drops), 0);
    return drops;
}

Test(interface, packets_that_it_could_not_send_are_counted)
{
    static const uint8_t PAYLOAD[1000];
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(9), .sin_addr = {htonl(0x0a010002)}};
    enter_netns();
    ip("ip link add here type veth peer name there && ip link set there mtu 600 up && "
       "ip link set here up && ip addr add 10.1.0.1/24 dev here && "
       "ip neigh replace 10.1.0.2 lladdr 02:00:00:00:00:01 dev here nud permanent");
    const int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(descriptor, 0);
    const uint32_t before = send_drops("here");
    for (int i = 0; i < 3; i++)
        cr_assert_eq(
            sendto(descriptor, PAYLOAD, sizeof PAYLOAD, 0, (const struct sockaddr *)&to, sizeof to),
            (ssize_t)sizeof PAYLOAD);
    close(descriptor);
    cr_assert_eq(send_drops("here") - before, 3, "the other end takes up to 600 bytes");
    cr_assert_eq(send_drops("lo"), 0);
    cr_assert_eq(send_drops("elsewhere"), 0, "there is no such interface");
}
