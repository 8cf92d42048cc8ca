/* Which socket of a group the kernel chooses: the one that source_shard names, for datagrams with
 * and without options, extension headers and fragments. */
#include "net/socket/shard_program.h"

#include "addr_fixture.h"
#include "net/socket/reuseport_group.h"
#include "net/socket/socket_address.h"
#include "net/socket/socket_descriptor.h"
#include "netns_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(shard_program, .timeout = 60);

enum { SOCKETS = 4, CLIENTS = 300, OPTION_BYTES = 40 };

static const struct source_shard_key KEY = {0x9e3779b9, {0x85ebca6b, 0xc2b2ae35}};

struct group {
    struct addr bound;
    int sockets[SOCKETS];
};

/* Skips the test where the kernel has no such address or no such programs. */
static struct group group_new(const char *text)
{
    struct udp_socket_options options = {.receive_buffer_bytes = 1 << 20};
    struct addr addr = address(text);
    struct group group;
    int error = reuseport_group_open(&addr, &options, &group.bound, group.sockets, SOCKETS);
    if (error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL)
        cr_skip("this host has no %s", text);
    cr_assert_eq(error, 0, "%s: %s", text, strerror(-error));
    error = reuseport_group_choose_by_source(group.sockets, SOCKETS, addr.family, &KEY);
    if (error == -ENOPROTOOPT)
        cr_skip("this kernel has no SO_ATTACH_REUSEPORT_CBPF");
    cr_assert_eq(error, 0, "%s", strerror(-error));
    for (int i = 0; i < SOCKETS; i++)
        cr_assert_eq(reuseport_member_start(group.sockets[i]), 0);
    return group;
}

static void group_close(struct group *group)
{
    for (int i = 0; i < SOCKETS; i++)
        socket_close(group->sockets[i]);
}

/* Receives all datagrams, each of which must have come to the socket that source_shard names.
 * Returns how many there were. On loopback a datagram is in its queue when send returns. */
static int count_received(const struct group *group)
{
    int count = 0;
    for (int i = 0; i < SOCKETS; i++) {
        union socket_address from;
        socklen_t size = sizeof from;
        char byte;
        for (; recvfrom(group->sockets[i], &byte, 1, 0, &from.any, &size) >= 0; count++) {
            struct addr source;
            char text[ADDR_TEXT_BYTES];
            addr_from_sockaddr(&source, &from);
            cr_assert_eq(source_shard(&KEY, &source, SOCKETS), (uint32_t)i, "%s came to socket %d",
                         addr_format(&source, text), i);
            size = sizeof from;
        }
    }
    return count;
}

/* Returns a socket bound to any port of that address, also if no interface has it. */
static int client_new(const struct addr *from)
{
    union socket_address at;
    socklen_t size = sockaddr_from_addr(&at, from);
    int fd = socket(at.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(fd, 0);
    if (from->family == ADDR_IPV6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &(int){1}, sizeof(int));
    cr_assert_eq(bind(fd, &at.any, size), 0, "%s", strerror(errno));
    return fd;
}

static void send_bytes(int fd, const struct addr *to, size_t bytes)
{
    static const char zeros[60000];
    union socket_address at;
    socklen_t size = sockaddr_from_addr(&at, to);
    cr_assert_eq(sendto(fd, zeros, bytes, 0, &at.any, size), (ssize_t)bytes, "%s", strerror(errno));
}

/* Sends a datagram from each of CLIENTS addresses and ports; make gives the address of number i. */
static void expect_choice(struct group *group, const struct addr *to,
                          struct addr (*make)(uint32_t i), size_t bytes)
{
    struct addr target = *to;
    target.port = group->bound.port;
    for (uint32_t i = 0; i < CLIENTS; i++) {
        struct addr from = make(i);
        from.port = 0;
        int fd = client_new(&from);
        send_bytes(fd, &target, bytes);
        socket_close(fd);
    }
    cr_assert_eq(count_received(group), CLIENTS);
    group_close(group);
}

/* All of 127.0.0.0/8 is local. */
static struct addr of_loopback(uint32_t i)
{
    return ipv4(i % 3 == 0 ? 0x7f000001 : 0x7f000000 + 7919 * (i + 1));
}

static struct addr of_ipv6_loopback(uint32_t i)
{
    (void)i;
    return parsed("::1");
}

Test(shard_program, chooses_the_socket_that_source_shard_names)
{
    struct group group = group_new("127.0.0.1:0");
    expect_choice(&group, &group.bound, of_loopback, 1);
}

Test(shard_program, does_so_for_a_wildcard)
{
    struct group group = group_new("0.0.0.0:0");
    struct addr to = parsed("127.0.0.2");
    expect_choice(&group, &to, of_loopback, 0);
}

Test(shard_program, does_so_for_ipv6)
{
    struct group group = group_new("[::1]:0");
    expect_choice(&group, &group.bound, of_ipv6_loopback, 1);
}

Test(shard_program, gives_a_socket_that_joins_the_group_later_nothing)
{
    struct group group = group_new("127.0.0.1:0");
    struct addr bound;
    struct udp_socket_options options = {0};
    int later = udp_socket_open_unbound(&group.bound, &options);
    cr_assert_eq(setsockopt(later, SOL_SOCKET, SO_REUSEPORT, &(int){1}, sizeof(int)), 0);
    cr_assert_eq(udp_socket_bind(later, &group.bound, &options, &bound), 0);
    expect_choice(&group, &group.bound, of_loopback, 1);
    socket_close(later);
}

/* So a group is not started before it is complete. */
Test(shard_program, of_more_sockets_than_there_are_leaves_the_others_to_the_kernel)
{
    enum { BOUND = 2 };
    struct udp_socket_options options = {.receive_buffer_bytes = 1 << 20};
    struct addr loopback = address("127.0.0.1:0"), bound, source;
    int sockets[BOUND], misplaced = 0;
    cr_assert_eq(reuseport_group_open(&loopback, &options, &bound, sockets, BOUND), 0);
    if (shard_program_attach(sockets[0], ADDR_IPV4, &KEY, SOCKETS) == -ENOPROTOOPT)
        cr_skip("this kernel has no SO_ATTACH_REUSEPORT_CBPF");
    for (int i = 0; i < BOUND; i++)
        cr_assert_eq(reuseport_member_start(sockets[i]), 0);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        struct addr from = of_loopback(i);
        char byte;
        from.port = 0;
        int fd = client_new(&from);
        cr_assert_eq(socket_get_local_addr(fd, &source), 0);
        send_bytes(fd, &bound, 1);
        uint32_t shard = source_shard(&KEY, &source, SOCKETS);
        int received = recv(sockets[0], &byte, 1, 0) == 1   ? 0
                       : recv(sockets[1], &byte, 1, 0) == 1 ? 1
                                                            : -1;
        cr_assert_geq(received, 0, "no datagram is lost");
        misplaced += shard < BOUND && (int)shard != received;
        socket_close(fd);
    }
    cr_assert_eq(misplaced, 0);
    for (int i = 0; i < BOUND; i++)
        socket_close(sockets[i]);
}

/* ---- addresses of all kinds, in a network of this test ---- */

/* Every bit of the address differs among them. */
static struct addr of_any_ipv4(uint32_t i)
{
    uint32_t ip = 0x9e3779b9 * (i + 1);
    return ipv4((ip >> 24) % 223 << 24 | 0x01000000 | (ip & 0xffffff));
}

static struct addr of_any_ipv6(uint32_t i)
{
    struct addr from = {.family = ADDR_IPV6};
    for (size_t k = 1; k < 16; k++)
        from.ip[k] = (uint8_t)(0x9e3779b9 * (i + 1) * (k + 1) >> 16);
    from.ip[0] = i % 2 == 0 ? 0x20 : 0xfc;
    return from;
}

/* All addresses are local there, and packets longer than 1,280 bytes are fragments. */
static void enter_network_of_all_addresses(void)
{
    enter_netns();
    ip("ip link set lo mtu 1280 && ip route add local 0.0.0.0/1 dev lo && "
       "ip route add local 128.0.0.0/1 dev lo");
    if (system("ip -6 route add local 2000::/3 dev lo && ip -6 route add local fc00::/7 dev lo"))
        fputs("this host has no IPv6\n", stderr);
}

Test(shard_program, chooses_by_every_bit_of_an_address)
{
    enter_network_of_all_addresses();
    struct group group = group_new("0.0.0.0:0");
    struct addr to = parsed("127.0.0.1");
    expect_choice(&group, &to, of_any_ipv4, 1);
}

Test(shard_program, chooses_by_every_bit_of_an_ipv6_address)
{
    enter_network_of_all_addresses();
    struct group group = group_new("[::]:0");
    struct addr to = parsed("2001:db8::1");
    expect_choice(&group, &to, of_any_ipv6, 1);
}

Test(shard_program, chooses_the_same_for_fragments)
{
    enter_network_of_all_addresses();
    struct group group = group_new("0.0.0.0:0");
    struct addr to = parsed("127.0.0.1");
    expect_choice(&group, &to, of_any_ipv4, 5000);
}

Test(shard_program, chooses_the_same_for_fragments_of_ipv6)
{
    enter_network_of_all_addresses();
    struct group group = group_new("[::]:0");
    struct addr to = parsed("2001:db8::1");
    expect_choice(&group, &to, of_any_ipv6, 5000);
}

/* ---- IPv4 options ---- */

Test(shard_program, finds_the_port_behind_ip_options)
{
    struct group group = group_new("127.0.0.1:0");
    uint8_t options[OPTION_BYTES];
    int sent = 0;
    memset(options, IPOPT_NOP, sizeof options);
    for (socklen_t bytes = 4; bytes <= OPTION_BYTES; bytes += 4)
        for (uint32_t i = 0; i < 30; i++, sent++) {
            struct addr from = of_loopback(i);
            from.port = 0;
            int fd = client_new(&from);
            if (setsockopt(fd, IPPROTO_IP, IP_OPTIONS, options, bytes) != 0)
                cr_skip("this kernel sets no IP options: %s", strerror(errno));
            send_bytes(fd, &group.bound, 1);
            socket_close(fd);
        }
    cr_assert_eq(count_received(&group), sent);
    group_close(&group);
}

/* ---- extension headers of IPv6, by packets that this test makes ---- */

struct packet {
    uint8_t bytes[512];
    size_t size;
    size_t next; /* the place of the type of what comes next */
};

/* Adds an extension header of 8 * units bytes: padding as options (RFC 8200, section 4.2), a
 * routing header without segments left, or the fragment header of a datagram that is whole, whose
 * second byte is reserved and ignored. */
static void add_extension(struct packet *packet, uint8_t type, size_t units)
{
    uint8_t *header = packet->bytes + packet->size;
    memset(header, 0, 8 * units);
    packet->bytes[packet->next] = type;
    packet->next = packet->size;
    packet->size += 8 * units;
    header[1] = type == IPPROTO_FRAGMENT ? 0xff : (uint8_t)(units - 1);
    if (type == IPPROTO_ROUTING) {
        header[2] = 253; /* for experiments: RFC 4727 */
    } else if (type == IPPROTO_FRAGMENT) {
        header[7] = 1;
    } else {
        header[2] = 1; /* PadN, of which no more than 7 bytes are accepted in some kernels */
        header[3] = (uint8_t)(8 * units - 4);
    }
}

static uint16_t checksum(const uint8_t *bytes, size_t size, uint32_t sum)
{
    for (size_t i = 0; i < size; i++)
        sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
    while (sum > 0xffff)
        sum = (sum >> 16) + (sum & 0xffff);
    return htons((uint16_t)~sum);
}

/* Makes the packet of an empty datagram; types ends with 0 units. */
static struct packet packet_new(const struct addr *from, const struct addr *to,
                                const uint8_t (*extensions)[2])
{
    struct packet packet = {.size = sizeof(struct ip6_hdr),
                            .next = offsetof(struct ip6_hdr, ip6_nxt)};
    packet.bytes[0] = 6 << 4;
    packet.bytes[offsetof(struct ip6_hdr, ip6_hlim)] = 64;
    memcpy(packet.bytes + offsetof(struct ip6_hdr, ip6_src), from->ip, 16);
    memcpy(packet.bytes + offsetof(struct ip6_hdr, ip6_dst), to->ip, 16);
    for (; (*extensions)[1] > 0; extensions++)
        add_extension(&packet, (*extensions)[0], (*extensions)[1]);
    packet.bytes[packet.next] = IPPROTO_UDP;
    struct udphdr udp = {
        .uh_sport = htons(from->port), .uh_dport = htons(to->port), .uh_ulen = htons(sizeof udp)};
    memcpy(packet.bytes + packet.size, &udp, sizeof udp);
    /* The pseudo header: addresses, length, type (RFC 8200, section 8.1). */
    uint32_t pseudo = sizeof udp + IPPROTO_UDP;
    for (size_t i = 8; i < sizeof(struct ip6_hdr); i += 2)
        pseudo += (uint32_t)packet.bytes[i] << 8 | packet.bytes[i + 1];
    udp.uh_sum = checksum(packet.bytes + packet.size, sizeof udp, pseudo);
    memcpy(packet.bytes + packet.size, &udp, sizeof udp);
    packet.size += sizeof udp;
    uint16_t length = htons((uint16_t)(packet.size - sizeof(struct ip6_hdr)));
    memcpy(packet.bytes + offsetof(struct ip6_hdr, ip6_plen), &length, sizeof length);
    return packet;
}

static void send_packet(int raw, const struct packet *packet, const struct addr *to)
{
    union socket_address at;
    struct addr target = *to;
    target.port = 0;
    socklen_t size = sockaddr_from_addr(&at, &target);
    cr_assert_eq(sendto(raw, packet->bytes, packet->size, 0, &at.any, size), (ssize_t)packet->size,
                 "%s", strerror(errno));
}

static int open_raw(void)
{
    int raw = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    if (raw < 0)
        cr_skip("this user can open no raw socket: %s", strerror(errno));
    return raw;
}

static void send_with(int raw, const struct group *group, const uint8_t (*extensions)[2], int count)
{
    for (int i = 0; i < count; i++) {
        struct addr to = parsed("2001:db8::1"), from = of_any_ipv6((uint32_t)i);
        to.port = group->bound.port;
        from.port = (uint16_t)(20000 + 131 * i);
        struct packet packet = packet_new(&from, &to, extensions);
        send_packet(raw, &packet, &to);
    }
}

#define HOP IPPROTO_HOPOPTS
#define DST IPPROTO_DSTOPTS
#define RTE IPPROTO_ROUTING
#define FRG IPPROTO_FRAGMENT

Test(shard_program, finds_the_port_behind_extension_headers)
{
    static const uint8_t chains[][6][2] = {
        {{HOP, 1}},
        {{DST, 1}},
        {{RTE, 1}},
        {{FRG, 1}},
        {{RTE, 4}, {DST, 1}},
        {{FRG, 1}, {RTE, 2}},
        {{DST, 1}, {RTE, 3}, {FRG, 1}, {DST, 1}},
        {{HOP, 1}, {DST, 1}, {RTE, 2}, {FRG, 1}, {DST, 1}},
    };
    enum { CHAINS = sizeof chains / sizeof chains[0], EACH = 40 };
    enter_network_of_all_addresses();
    struct group group = group_new("[::]:0");
    int raw = open_raw();
    for (size_t i = 0; i < CHAINS; i++) {
        send_with(raw, &group, chains[i], EACH);
        cr_expect_eq(count_received(&group), EACH, "chain %zu", i);
    }
    socket_close(raw);
    group_close(&group);
}

/* No such packet is lost, and none of them disturbs the others. */
Test(shard_program, leaves_longer_chains_to_the_kernel)
{
    static const uint8_t chain[7][2] = {{DST, 1}, {RTE, 1}, {DST, 1}, {RTE, 1}, {DST, 1}, {RTE, 1}};
    static const uint8_t none[1][2];
    enum { COUNT = 100 };
    enter_network_of_all_addresses();
    struct group group = group_new("[::]:0");
    int raw = open_raw(), received[SOCKETS] = {0}, sum = 0;
    send_with(raw, &group, chain, COUNT);
    for (int i = 0; i < SOCKETS; i++) {
        char byte;
        while (recv(group.sockets[i], &byte, 1, 0) >= 0)
            received[i]++;
        cr_assert_gt(received[i], 0);
        sum += received[i];
    }
    cr_assert_eq(sum, COUNT);
    send_with(raw, &group, none, COUNT);
    cr_assert_eq(count_received(&group), COUNT);
    socket_close(raw);
    group_close(&group);
}
