/* Long replies and copies over a path whose MTU is smaller than that of our link, and whose router
 * says nothing about it: ICMP is filtered there. */
#include "harness.h"

#include <poll.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_path_mtu, .fini = harness_end, .timeout = 60);

static const char ECHO[] = "[server]\nmax-datagram = 9000\n[admission]\npolicy = open\n"
                           "[reply]\nmode = echo\n";

/* A server's host, the router, and the host of its clients: the thread is in the first. */
struct path {
    int here, router, there;
};

static int new_namespace(void)
{
    expect(unshare(CLONE_NEWNET) == 0, "expected a namespace more");
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

static void build(struct path *path)
{
    netns_enter();
    path->here = netns_here();
    path->router = new_namespace();
    path->there = new_namespace();
    add_link(path->here, path->router, "near", "left");
    add_link(path->there, path->router, "far", "right");
    set_up_end(path->router, "left", "10.1.0.2/24 fd01::2/64 fe80::2/64",
               "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
    set_up_end(path->router, "right", "10.2.0.2/24 fd02::2/64 fe80::2/64",
               "ip link set right mtu 1300\n"
               "nft add table inet filter\n"
               "nft 'add chain inet filter output { type filter hook output priority 0; }'\n"
               "nft add rule inet filter output icmpv6 type packet-too-big drop\n"
               "nft add rule inet filter output ip protocol icmp drop");
    set_up_end(path->there, "far", "10.2.0.1/24 fd02::1/64 fe80::1/64",
               "ip link set far mtu 1300\n"
               "ip route add default via 10.2.0.2\nip route add default via fd02::2");
    set_up_end(path->here, "near", "10.1.0.1/24 fd01::1/64 fe80::1/64",
               "ip route add default via 10.1.0.2\nip route add default via fd01::2");
}

static void ask_with(int udp, const struct endpoint *server, size_t size)
{
    static char text[9000];
    memset(text, 'x', size);
    text[size] = '\0';
    udp_ask(udp, server, text, text);
}

/* The kernel gets around to a new link's carrier at its leisure, and until then drops what is to
 * leave by it. */
static void await_path(int udp, const struct endpoint *server)
{
    struct pollfd wait = {.fd = udp, .events = POLLIN};
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;
    char byte;

    do {
        expect(harness_now_ms() < deadline, "expected a way through the router");
        udp_say(udp, server, "?");
    } while (poll(&wait, 1, 50) == 0);
    /* Answers to those that waited for the neighbours, too. */
    while (poll(&wait, 1, 200) > 0)
        udp_receive(udp, &byte, 1, NULL);
}

/* The i-th client's answers of these sizes, and a copy of as many bytes as the last. */
static void expect_all(const struct path *path, struct server *server, int i, const size_t *sizes)
{
    static const char *const at[] = {"10.1.0.1:3000", "[fd01::1]:3000"};
    static const char *const clients[] = {"10.2.0.1:0", "[fd02::1]:0"};
    static char news[9000];
    struct endpoint to = endpoint_of(at[i]);

    netns_switch(path->there);
    int udp = udp_open(clients[i]);
    netns_switch(path->here);
    await_path(udp, &to);
    for (; *sizes != 0; sizes++) {
        ask_with(udp, &to, *sizes);
        memset(news, 'n', *sizes);
        news[*sizes] = '\0';
    }
    ctl_ok(server, "broadcast", news, NULL);
    udp_expect(udp, &to, news);
}

Test(system_path_mtu, what_is_fragmented_arrives_where_icmp_is_filtered)
{
    static const size_t ipv4[] = {1232, 1400, 1473, 8000, 0}, ipv6[] = {1232, 1453, 8000, 0};
    struct server server = {0};
    struct path path;

    build(&path);
    server_start(&server, ECHO, "-l", "0.0.0.0:3000", "-l", "[::]:3000", NULL);
    expect_all(&path, &server, 0, ipv4);
    expect_all(&path, &server, 1, ipv6);
    harness_equal("reply_failed", server_stat(&server, "reply_failed"), 0);
    server_stop(&server);
}

Test(system_path_mtu, a_route_with_the_least_mtu_has_all_that_is_longer_fragmented)
{
    static const size_t sizes[] = {1232, 1233, 1400, 1452, 1453, 8000, 0};
    struct server server = {0};
    struct path path;

    build(&path);
    netns_shell("ip -6 route change default via fd01::2 dev near mtu 1280");
    server_start(&server, ECHO, "-l", "[::]:3000", NULL);
    expect_all(&path, &server, 1, sizes);
    server_stop(&server);
}

Test(system_path_mtu, a_router_that_tells_is_believed)
{
    static const size_t sizes[] = {1400, 1233, 1300, 1400, 0};
    struct server server = {0};
    struct path path;

    build(&path);
    netns_switch(path.router);
    netns_shell("nft delete table inet filter");
    netns_switch(path.there);
    int udp = udp_open("[fd02::1]:0");
    netns_switch(path.here);
    server_start(&server, ECHO, "-l", "[::]:3000", NULL);
    struct endpoint to = endpoint_of("[fd01::1]:3000");
    await_path(udp, &to);
    /* The first one is lost at the router, which says so before it forwards the second. */
    static char first[1401];
    memset(first, 'x', sizeof first - 1);
    udp_say(udp, &to, first);
    udp_ask(udp, &to, "hi", "hi");
    expect_all(&path, &server, 1, sizes);
    server_stop(&server);
}
