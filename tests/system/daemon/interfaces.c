/* Interfaces and addresses that are added and removed while the server runs. */
#include "harness.h"
#include "no_netlink.h"

#include <sched.h>
#include <signal.h>
#include <string.h>

#include <unistd.h>

TestSuite(system_interfaces, .fini = harness_end, .timeout = 60);

static const char OPEN[] = "[admission]\npolicy = open\n[reply]\nmessage = yes\n";

/* Expects that datagrams with this source address, which no host can have, are dropped: they get no
 * answer and do not register a client. */
static void expect_dropped_source(struct server *server, const char *source)
{
    struct endpoint forged = endpoint_of(source);
    int other = udp_open("127.0.0.1:0");
    int64_t dropped = server_stat(server, "drop_multicast"), clients;

    udp_ask(other, &server->at[0], "hi", "yes");
    clients = server_stat(server, "clients");
    for (int i = 0; i < 5; i++)
        udp_send_forged(&forged, &server->at[0], "hi", 2);
    server_await_stat(server, "drop_multicast", dropped + 5);
    udp_ask(other, &server->at[0], "hi", "yes");
    harness_equal("clients", server_stat(server, "clients"), clients);
    harness_equal("reply_failed", server_stat(server, "reply_failed"), 0);
    expect_balance("stats", server_ask(server, "stats"));
    close(other);
}

Test(system_interfaces, datagrams_from_a_directed_broadcast_address_are_dropped)
{
    struct server server = {0};

    netns_enter();
    netns_shell("ip addr add 10.9.0.1/24 dev lo\nip addr add 10.8.4.1/22 brd 10.8.4.77 dev lo");
    server_start(&server, OPEN, "-l", "127.0.0.1:3000", NULL);
    expect_dropped_source(&server, "127.255.255.255:5000");
    expect_dropped_source(&server, "10.9.0.255:5000");
    expect_dropped_source(&server, "10.8.7.255:5000");
    expect_dropped_source(&server, "10.8.4.77:5000");
    server_stop(&server);
}

Test(system_interfaces, the_broadcast_address_of_an_address_that_is_added_later_is_dropped_too)
{
    struct server server = {0};

    netns_enter();
    netns_shell("ip addr add 10.9.0.255/32 dev lo");
    server_start(&server,
                 "[server]\nworkers = 2\n[admission]\npolicy = open\n[reply]\nmessage = yes\n",
                 "-l", "127.0.0.1:3000", NULL);
    int udp = udp_open("10.9.0.255:0");
    udp_ask(udp, &server.at[0], "hi", "yes"); /* still the address of a host */
    close(udp);
    netns_shell("ip addr del 10.9.0.255/32 dev lo\nip addr add 10.9.0.1/24 dev lo");
    expect_dropped_source(&server, "10.9.0.255:5000");
    netns_shell("ip addr del 10.9.0.1/24 dev lo\nip addr add 10.9.0.255/32 dev lo");
    server_stat(&server, "clients"); /* later datagrams see the new addresses */
    udp = udp_open("10.9.0.255:0");
    udp_ask(udp, &server.at[0], "hi", "yes");
    server_stop(&server);
}

/* ---- an interface that is removed and created again ---- */

/* Two network namespaces, of the server (here) and of a client (there), with a link between them
 * that is removed and created again. The thread of the test is in the server's. */
struct pair {
    int here, there;
};

static void make_namespaces(struct pair *pair)
{
    netns_enter();
    pair->here = netns_here();
    expect(unshare(CLONE_NEWNET) == 0, "expected a second namespace");
    netns_shell("ip link set lo up");
    pair->there = netns_here();
    netns_switch(pair->here);
}

/* Creates the link. how is empty or sets the index of the interface, as in "index 77"; ours is the
 * IPv4 address of the server. */
static void make_link(const struct pair *pair, const char *how, const char *ours)
{
    netns_shell(harness_format("ip link add near %s type veth peer name far netns /proc/%d/fd/%d\n"
                               "ip link set near addrgenmode none\n"
                               "ip addr add %s/24 dev near\n"
                               "ip addr add fe80::1/64 dev near nodad\n"
                               "ip link set near up",
                               how, (int)getpid(), pair->there, ours));
    netns_switch(pair->there);
    netns_shell("ip link set far addrgenmode none\nip addr add 10.8.0.9/24 dev far\n"
                "ip addr add fe80::9/64 dev far nodad\nip link set far up");
    netns_await_ipv6();
    netns_switch(pair->here);
    netns_await_ipv6();
}

static void delete_link(void)
{
    netns_shell("ip link del near");
}

static void expect_answer(const struct pair *pair, const char *from, const char *to)
{
    netns_switch(pair->there);
    int udp = udp_open(from);
    struct endpoint asked = endpoint_of(to);
    char answer[16];

    udp_send_text(udp, &asked, "hi");
    ssize_t size = udp_receive(udp, answer, sizeof answer, NULL);
    expect(size == 3 && memcmp(answer, "yes", 3) == 0, "expected an answer from %s", to);
    close(udp);
    netns_switch(pair->here);
}

static void expect_stream(const struct pair *pair, const char *to)
{
    netns_switch(pair->there);
    int stream = stream_open(to);
    stream_write_text(stream, "hi\n");
    stream_expect(stream, "yes");
    close(stream);
    netns_switch(pair->here);
}

static const char ALL[] = "[server]\nworkers = %d\n%s"
                          "listen = 0.0.0.0:3000, 239.7.7.7%%near:3000, 239.7.7.8:3000\n"
                          "listen = [fe80::1%%near]:3001, [ff02::77%%near]:3001\n"
                          "listen = [ff05::77%%near]:3001, tcp:[fe80::1%%near]:3002\n"
                          "[admission]\npolicy = open\n[reply]\nmessage = yes\n"
                          "[clients]\nttl = 1s\n"
                          "[broadcast]\nmulticast = 239.9.9.9:3003\n"
                          "multicast-interface = near\n";

/* How many of these listeners, with the group of the broadcasts, depend on the link. */
enum { LINK_DEPENDENT = 7 };

static void expect_all(const struct pair *pair, struct server *server)
{
    expect_answer(pair, "10.8.0.9:0", "10.8.0.1:3000");
    expect_answer(pair, "10.8.0.9:0", "239.7.7.7:3000");
    expect_answer(pair, "10.8.0.9:0", "239.7.7.8:3000");
    for (int i = 0; i < 8; i++) /* by each worker */
        expect_answer(pair, "[fe80::9%far]:0", "[fe80::1%far]:3001");
    expect_answer(pair, "[fe80::9%far]:0", "[ff02::77%far]:3001");
    expect_answer(pair, "[fe80::9%far]:0", "[ff05::77]:3001");
    expect_stream(pair, "tcp:[fe80::1%far]:3002");
    server_await_clients(server, 0); /* the clients above have closed and expire */
    const char *report = ctl_ok(server, "broadcast", "news", "--json", NULL);
    harness_equal("sent", json_integer(report, "sent"), 1);
    harness_equal("failed", json_integer(report, "failed"), 0);
    expect_balance("stats", server_ask(server, "stats"));
}

/* Waits until all listeners that depend on the link are served again, which takes at most 2 s. */
static void await_all(struct server *server, int64_t start_ms)
{
    for (int i = 0; i < LINK_DEPENDENT; i++)
        server_await_log(server, "an address that was missing is served");
    int64_t took_ms = harness_now_ms() - start_ms;
    expect(took_ms <= 2000, "expected all within 2 s, it took %d ms", (int)took_ms);
}

static void recreate_link_twice(int workers, const char *first, const char *second,
                                harness_prepare *prepare)
{
    struct server server = {.prepare = prepare};
    struct pair pair;

    make_namespaces(&pair);
    make_link(&pair, first, "10.8.0.1");
    netns_shell("ip route add 239.7.7.8/32 dev near");
    server_start(&server, harness_format(ALL, workers, ""), NULL);
    expect_all(&pair, &server);
    for (int i = 0; i < 2; i++) {
        delete_link();
        /* Without netlink the server does not know through which interface the routes joined the
         * group 239.7.7.8. */
        for (int k = prepare == NULL ? 0 : 1; k < LINK_DEPENDENT; k++)
            server_await_log(&server, "an interface is gone");
        make_link(&pair, second, "10.8.0.1");
        int64_t start_ms = harness_now_ms();
        netns_shell("ip route add 239.7.7.8/32 dev near");
        await_all(&server, start_ms);
        expect_all(&pair, &server);
    }
    harness_equal("reply_failed", server_stat(&server, "reply_failed"), 0);
    server_stop(&server);
}

Test(system_interfaces, listeners_of_an_interface_are_served_again_when_it_is_created_again)
{
    recreate_link_twice(1, "", "", NULL);
}

Test(system_interfaces, listeners_of_an_interface_are_served_again_by_several_workers)
{
    recreate_link_twice(3, "", "", NULL);
}

Test(system_interfaces, listeners_of_an_interface_are_served_again_when_its_index_stays_the_same)
{
    recreate_link_twice(2, "index 77", "index 77", NULL);
}

static void forbid_netlink_or_exit(void)
{
    if (!forbid_netlink())
        _exit(77); /* the server does not get ready, and the test fails */
}

Test(system_interfaces, listeners_of_an_interface_are_served_again_without_netlink)
{
    recreate_link_twice(1, "", "", forbid_netlink_or_exit);
}

/* A group that names no interface: its interface is deleted and made again a number of times. The
 * kernel keeps the memberships on deleted interfaces, and limits their number for IPv4. */
struct routed_group {
    const char *listen, *client, *group, *route;
    int times;
};

/* The kernel refuses to join it again by the routes while the socket has a membership on an
 * interface that was deleted. */
static const struct routed_group IPV6_GROUP = {"127.0.0.1:3000, [ff05::78]:3001", "[fe80::9%far]:0",
                                               "[ff05::78]:3001", "true", 2};
static const struct routed_group IPV4_GROUP = {"0.0.0.0:3000, 239.7.7.8:3000", "10.8.0.9:0",
                                               "239.7.7.8:3000",
                                               "ip route add 239.7.7.8/32 dev near", 4};

static void recreate_link_of(const struct routed_group *group, harness_prepare *prepare)
{
    struct server server = {.prepare = prepare};
    struct pair pair;

    make_namespaces(&pair);
    netns_shell("sysctl -qw net.ipv4.igmp_max_memberships=2");
    make_link(&pair, "", "10.8.0.1");
    netns_shell(group->route);
    server_start(&server,
                 harness_format("[server]\nlisten = %s\n"
                                "[admission]\npolicy = open\n[reply]\nmessage = yes\n",
                                group->listen),
                 NULL);
    for (int i = 0; i < group->times; i++) {
        expect_answer(&pair, group->client, group->group);
        delete_link();
        make_link(&pair, "", "10.8.0.1");
        netns_shell(group->route);
        server_await_log(&server, "an address that was missing is served");
    }
    expect_answer(&pair, group->client, group->group);
    server_stop(&server);
}

Test(system_interfaces, an_ipv6_group_without_an_interface_is_joined_again)
{
    recreate_link_of(&IPV6_GROUP, NULL);
}

Test(system_interfaces, an_ipv6_group_without_an_interface_is_joined_again_without_netlink)
{
    recreate_link_of(&IPV6_GROUP, forbid_netlink_or_exit);
}

Test(system_interfaces, a_group_is_joined_again_any_number_of_times)
{
    recreate_link_of(&IPV4_GROUP, NULL);
}

Test(system_interfaces, a_group_is_joined_again_any_number_of_times_without_netlink)
{
    recreate_link_of(&IPV4_GROUP, forbid_netlink_or_exit);
}

Test(system_interfaces, each_listener_of_an_interface_that_is_deleted_in_one_event_is_logged)
{
    struct server server = {0};
    struct pair pair;

    make_namespaces(&pair);
    make_link(&pair, "", "10.8.0.1");
    netns_shell("ip route add 239.7.7.8/32 dev near");
    server_start(&server, harness_format(ALL, 1, ""), NULL);
    process_kill(&server.process, SIGSTOP); /* so that it sees all changes at once */
    delete_link();
    process_kill(&server.process, SIGCONT);
    for (int i = 0; i < LINK_DEPENDENT; i++)
        server_await_log(&server, "an interface is gone");
    server_stop(&server);
}

Test(system_interfaces, an_interface_that_is_deleted_and_created_between_two_events_is_noticed)
{
    struct server server = {0};
    struct pair pair;

    make_namespaces(&pair);
    make_link(&pair, "index 77", "10.8.0.1");
    netns_shell("ip route add 239.7.7.8/32 dev near");
    server_start(&server, harness_format(ALL, 1, ""), NULL);
    process_kill(&server.process, SIGSTOP); /* so that it sees both changes at once */
    delete_link();
    make_link(&pair, "index 77", "10.8.0.1");
    netns_shell("ip route add 239.7.7.8/32 dev near");
    int64_t start_ms = harness_now_ms();
    process_kill(&server.process, SIGCONT);
    await_all(&server, start_ms);
    expect_all(&pair, &server);
    server_stop(&server);
}

Test(system_interfaces, broadcasts_are_sent_from_the_address_of_the_new_interface)
{
    struct server server = {0};
    struct pair pair;

    make_namespaces(&pair);
    make_link(&pair, "", "10.8.0.1");
    server_start(&server,
                 "[server]\nlisten = 127.0.0.1:3000, 239.9.9.9%near:3003\n"
                 "[admission]\npolicy = open\n[broadcast]\nmulticast = 239.9.9.9:3003\n"
                 "multicast-interface = near\n",
                 NULL);
    delete_link();
    make_link(&pair, "", "10.8.0.77");
    for (int i = 0; i < 2; i++)
        server_await_log(&server, "an address that was missing is served");
    harness_equal("failed",
                  json_integer(ctl_ok(&server, "broadcast", "news", "--json", NULL), "failed"), 0);
    /* The server receives its own broadcast and recognizes the source as its own. */
    server_await_stat(&server, "drop_own_source", 1);
    server_stop(&server);
}

Test(system_interfaces,
     without_privileges_ports_above_1023_are_served_again_and_others_are_reported)
{
    struct server server = {.owner = 65534};
    struct pair pair;

    make_namespaces(&pair);
    make_link(&pair, "", "10.8.0.1");
    harness_disable_leak_check();
    server_start(&server,
                 "[server]\nuser = nobody\nlisten = 0.0.0.0:500, 239.7.7.7%near:500\n"
                 "listen = [fe80::1%near]:3001, [fe80::1%near]:501\n"
                 "[admission]\npolicy = open\n[reply]\nmessage = yes\n",
                 NULL);
    expect_answer(&pair, "[fe80::9%far]:0", "[fe80::1%far]:501");
    delete_link();
    make_link(&pair, "", "10.8.0.1");
    harness_contains("the error", server_await_log(&server, "cannot listen again on an address"),
                     "net.ipv4.ip_unprivileged_port_start");
    expect_answer(&pair, "[fe80::9%far]:0", "[fe80::1%far]:3001");
    expect_answer(&pair, "10.8.0.9:0", "239.7.7.7:500");
    netns_shell("sysctl -qw net.ipv4.ip_unprivileged_port_start=500");
    server_await_log(&server, ":501");
    expect_answer(&pair, "[fe80::9%far]:0", "[fe80::1%far]:501");
    harness_equal("errors",
                  (int64_t)text_count(server_log(&server), "cannot listen again on an address"), 1);
    server_stop(&server);
}

/* ---- addresses that are missing at the start ---- */

Test(system_interfaces, missing_addresses_are_served_when_they_are_added)
{
    struct server server = {0};
    struct pair pair;

    make_namespaces(&pair);
    server_start(&server,
                 harness_format(ALL, 2,
                                "missing-address = wait\n"
                                "listen = 10.8.0.1:3005, tcp:10.8.0.1:3006, [fd08::1]:3007\n"),
                 NULL);
    make_link(&pair, "", "10.8.0.1");
    int64_t start_ms = harness_now_ms();
    netns_shell("ip route add 239.7.7.8/32 dev near\nip addr add fd08::1/64 dev near nodad");
    netns_await_ipv6();
    netns_switch(pair.there);
    netns_shell("ip addr add fd08::9/64 dev far nodad");
    netns_await_ipv6();
    netns_switch(pair.here);
    for (int i = 0; i < 3; i++)
        server_await_log(&server, "an address that was missing is served");
    await_all(&server, start_ms);
    for (int i = 0; i < 8; i++) {
        expect_answer(&pair, "10.8.0.9:0", "10.8.0.1:3005");
        expect_answer(&pair, "[fd08::9]:0", "[fd08::1]:3007");
    }
    expect_stream(&pair, "tcp:10.8.0.1:3006");
    expect_all(&pair, &server);
    server_stop(&server);
}

Test(system_interfaces, a_missing_address_fails_the_start_by_default)
{
    static const struct {
        const char *listen, *reason;
    } cases[] = {
        {"10.8.0.1:3000", "no interface of this host has the address"},
        {"tcp:10.8.0.1:3000", "no interface of this host has the address"},
        {"[fe80::1%near]:3000", "no interface has that name"},
        {"239.7.7.7%near:3000", "no interface has that name"},
        {"tcp:[fe80::1%near]:3000", "no interface has that name"},
    };

    netns_enter();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct server server = {0};
        struct result result = server_try(&server, OPEN, "-l", cases[i].listen, NULL);
        harness_equal("exit status", result.status, 1);
        harness_contains(cases[i].listen, result.err, cases[i].reason);
        harness_contains(cases[i].listen, result.err, "server.missing-address = wait");
    }
}

Test(system_interfaces, a_broadcast_address_is_not_waited_for)
{
    struct server server = {0};

    netns_enter();
    struct result result = server_try(
        &server, "[server]\nlisten = 127.255.255.255:3000\nmissing-address = wait\n", NULL);
    harness_equal("exit status", result.status, 1);
    harness_contains("reason", result.err, "broadcast address");
}

Test(system_interfaces, a_tentative_address_has_an_error_of_its_own_and_can_be_waited_for)
{
    struct server server = {0}, waiting = {0};
    struct pair pair;

    make_namespaces(&pair);
    make_link(&pair, "", "10.8.0.1");
    netns_shell("sysctl -qw net.ipv6.conf.near.dad_transmits=3\n"
                "ip addr add fd77::50/64 dev near");
    struct result result = server_try(&server, OPEN, "-l", "[fd77::50]:3000", NULL);
    harness_equal("exit status", result.status, 1);
    harness_contains("advice", result.err, "the address is tentative");
    server_start(&waiting,
                 "[server]\nlisten = [fd77::50]:3000\nmissing-address = wait\n"
                 "[admission]\npolicy = open\n[reply]\nmessage = yes\n",
                 NULL);
    netns_switch(pair.there);
    netns_shell("ip addr add fd77::9/64 dev far nodad");
    netns_await_ipv6();
    netns_switch(pair.here);
    server_await_log(&waiting, "an address that was missing is served");
    expect_answer(&pair, "[fd77::9]:0", "[fd77::50]:3000");
    server_stop(&waiting);
}
