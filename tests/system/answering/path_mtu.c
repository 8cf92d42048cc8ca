/* Long replies and broadcast copies over a path whose MTU is smaller than that of the server's link
 * and whose router sends no ICMP errors about it, because ICMP is filtered. */
#include "harness.h"

#include <poll.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_path_mtu, .fini = harness_end, .timeout = 60);

static const char ECHO[] = "[server]\nmax-datagram = 9000\n[admission]\npolicy = open\n"
                           "[reply]\nmode = echo\n";

/* The network namespaces of the server, of the router and of the clients. The thread is in the
 * server's. */
struct path {
    int server, router, clients;
};

static int new_namespace(void)
{
    expect(unshare(CLONE_NEWNET) == 0, "expected another namespace");
    netns_shell("ip link set lo up");
    return netns_here();
}

static void add_link(int from, int to, const char *near, const char *far)
{
    netns_switch(from);
    netns_shell(harness_format("ip link add %s type veth peer name %s netns /proc/%d/fd/%d", near,
                               far, (int)getpid(), to));
}

static void set_up_end(int at, const char *link, const char *addresses, const char *more)
{
    netns_switch(at);
    netns_shell(harness_format("ip link set %s addrgenmode none\n"
                               "for a in %s; do case $a in *:*) ip addr add $a dev %s nodad;; "
                               "*) ip addr add $a dev %s;; esac; done\n"
                               "ip link set %s up\n%s",
                               link, addresses, link, link, link, more));
}

static void build_path(struct path *path)
{
    netns_enter();
    path->server = netns_here();
    path->router = new_namespace();
    path->clients = new_namespace();
    add_link(path->server, path->router, "near", "left");
    add_link(path->clients, path->router, "far", "right");
    set_up_end(path->router, "left", "10.1.0.2/24 fd01::2/64 fe80::2/64",
               "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
    set_up_end(path->router, "right", "10.2.0.2/24 fd02::2/64 fe80::2/64",
               "ip link set right mtu 1300\n"
               "nft add table inet filter\n"
               "nft 'add chain inet filter output { type filter hook output priority 0; }'\n"
               "nft add rule inet filter output icmpv6 type packet-too-big drop\n"
               "nft add rule inet filter output ip protocol icmp drop");
    set_up_end(path->clients, "far", "10.2.0.1/24 fd02::1/64 fe80::1/64",
               "ip link set far mtu 1300\n"
               "ip route add default via 10.2.0.2\nip route add default via fd02::2");
    set_up_end(path->server, "near", "10.1.0.1/24 fd01::1/64 fe80::1/64",
               "ip route add default via 10.1.0.2\nip route add default via fd01::2");
    const int namespaces[] = {path->router, path->clients, path->server};
    for (size_t i = 0; i < sizeof namespaces / sizeof namespaces[0]; i++) {
        netns_switch(namespaces[i]);
        netns_await_ipv6();
    }
}

static void expect_echo_of(int udp, const struct endpoint *server, size_t size)
{
    static char text[9000];
    memset(text, 'x', size);
    text[size] = '\0';
    udp_ask(udp, server, text, text);
}

/* The kernel detects the carrier of a new link with a delay, and drops all outgoing packets until
 * then. */
static void await_path(int udp, const struct endpoint *server)
{
    struct pollfd wait = {.fd = udp, .events = POLLIN};
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;
    char byte;

    do {
        expect(harness_now_ms() < deadline, "expected a path through the router");
        udp_send_text(udp, server, "?");
    } while (poll(&wait, 1, 50) == 0);
    /* Drains the replies to requests that waited for the neighbours to be resolved. */
    while (poll(&wait, 1, 200) > 0)
        udp_receive(udp, &byte, 1, NULL);
}

/* The i-th client gets replies of these sizes, and a broadcast copy of the last size. */
static void expect_echoes_and_copy(const struct path *path, struct server *server, int i,
                                   const size_t *sizes)
{
    static const char *const at[] = {"10.1.0.1:3000", "[fd01::1]:3000"};
    static const char *const clients[] = {"10.2.0.1:0", "[fd02::1]:0"};
    static char news[9000];
    struct endpoint to = endpoint_of(at[i]);

    netns_switch(path->clients);
    int udp = udp_open(clients[i]);
    netns_switch(path->server);
    await_path(udp, &to);
    for (; *sizes != 0; sizes++) {
        expect_echo_of(udp, &to, *sizes);
        memset(news, 'n', *sizes);
        news[*sizes] = '\0';
    }
    ctl_ok(server, "broadcast", news, NULL);
    udp_expect(udp, &to, news);
}

Test(system_path_mtu, fragmented_datagrams_arrive_where_icmp_is_filtered)
{
    static const size_t ipv4[] = {1232, 1400, 1473, 8000, 0}, ipv6[] = {1232, 1453, 8000, 0};
    struct server server = {0};
    struct path path;

    build_path(&path);
    server_start(&server, ECHO, "-l", "0.0.0.0:3000", "-l", "[::]:3000", NULL);
    expect_echoes_and_copy(&path, &server, 0, ipv4);
    expect_echoes_and_copy(&path, &server, 1, ipv6);
    harness_equal("reply_failed", server_stat(&server, "reply_failed"), 0);
    server_stop(&server);
}

Test(system_path_mtu, a_route_with_the_least_mtu_fragments_longer_datagrams)
{
    static const size_t sizes[] = {1232, 1233, 1400, 1452, 1453, 8000, 0};
    struct server server = {0};
    struct path path;

    build_path(&path);
    netns_shell("ip -6 route change default via fd01::2 dev near mtu 1280");
    server_start(&server, ECHO, "-l", "[::]:3000", NULL);
    expect_echoes_and_copy(&path, &server, 1, sizes);
    server_stop(&server);
}

Test(system_path_mtu, icmp_errors_of_a_router_reduce_the_path_mtu)
{
    static const size_t sizes[] = {1400, 1233, 1300, 1400, 0};
    struct server server = {0};
    struct path path;

    build_path(&path);
    netns_switch(path.router);
    netns_shell("nft delete table inet filter");
    netns_switch(path.clients);
    int udp = udp_open("[fd02::1]:0");
    netns_switch(path.server);
    server_start(&server, ECHO, "-l", "[::]:3000", NULL);
    struct endpoint to = endpoint_of("[fd01::1]:3000");
    await_path(udp, &to);
    /* The router drops the reply to the first and sends an ICMP error before it forwards the
     * second. */
    static char first[1401];
    memset(first, 'x', sizeof first - 1);
    udp_send_text(udp, &to, first);
    udp_ask(udp, &to, "hi", "hi");
    expect_echoes_and_copy(&path, &server, 1, sizes);
    server_stop(&server);
}
