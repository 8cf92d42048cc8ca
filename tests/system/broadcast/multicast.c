/* Multicast between hosts, which are network namespaces on one bridge: groups that the server
 * listens on, and the group that gets its broadcasts. */

#include "harness.h"
#include "hosts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_multicast, .fini = harness_end, .timeout = 60);

/* Opens a member of 239.7.7.7 on host i: bound to the port of the group on the wildcard address,
 * and joined on its link. Switches the thread back to host 0. */
static int join(const struct hosts *hosts, int i)
{
    struct ip_mreqn group = {.imr_multiaddr.s_addr = inet_addr("239.7.7.7")};
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(3000)};
    int on = 1;

    netns_switch(hosts->host[i]);
    int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    group.imr_ifindex = (int)if_nametoindex("eth0");
    setsockopt(udp, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    expect(bind(udp, (const struct sockaddr *)&any, sizeof any) == 0 &&
               setsockopt(udp, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group) == 0 &&
               setsockopt(udp, IPPROTO_IP, IP_MULTICAST_IF, &group, sizeof group) == 0,
           "expected to join the group: %s", strerror(errno));
    netns_switch(hosts->host[0]);
    return udp;
}

/* The same for ff02::77. */
static int join_ipv6(const struct hosts *hosts, int i)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(3000)};
    struct ipv6_mreq group = {.ipv6mr_interface = 0};
    int on = 1;

    netns_switch(hosts->host[i]);
    int udp = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET6, "ff02::77", &group.ipv6mr_multiaddr);
    group.ipv6mr_interface = if_nametoindex("eth0");
    setsockopt(udp, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    expect(bind(udp, (const struct sockaddr *)&any, sizeof any) == 0 &&
               setsockopt(udp, IPPROTO_IPV6, IPV6_JOIN_GROUP, &group, sizeof group) == 0,
           "expected to join the group: %s", strerror(errno));
    netns_switch(hosts->host[0]);
    return udp;
}

static void leave(int udp)
{
    struct ip_mreqn group = {.imr_multiaddr.s_addr = inet_addr("239.7.7.7")};
    group.imr_ifindex = 2;
    struct ip_mreq plain = {.imr_multiaddr.s_addr = inet_addr("239.7.7.7")};
    expect(setsockopt(udp, IPPROTO_IP, IP_DROP_MEMBERSHIP, &group, sizeof group) == 0 ||
               setsockopt(udp, IPPROTO_IP, IP_DROP_MEMBERSHIP, &plain, sizeof plain) == 0,
           "expected to leave the group: %s", strerror(errno));
}

static const char OPEN[] = "[admission]\npolicy = open\n[reply]\nmessage = yes\n";

/* Expects this text from this host by unicast. Returns the port that it was sent from. */
static uint16_t expect_answer(int udp, const char *text, const char *host)
{
    char bytes[256];
    struct endpoint from;
    ssize_t size = udp_receive(udp, bytes, sizeof bytes, &from);
    expect(size == (ssize_t)strlen(text) && memcmp(bytes, text, (size_t)size) == 0,
           "expected '%s', not '%.*s'", text, (int)(size > 0 ? size : 0), bytes);
    harness_contains("its source", endpoint_text(&from), host);
    return endpoint_port(&from);
}

Test(system_multicast, a_group_is_answered_by_unicast_through_the_listener_of_its_port)
{
    struct server server = {0};
    struct hosts hosts;
    struct endpoint group;

    hosts_build(&hosts);
    server_start(&server, OPEN, "-l", "0.0.0.0:3000", "-l", "239.7.7.7%eth0:3000", NULL);
    group = endpoint_of("239.7.7.7:3000");
    /* One client sends from a port of its own, the other from the port of the group, on which the
     * server listens, too. */
    netns_switch(hosts.host[1]);
    int plain = udp_open("10.7.0.2:0");
    netns_switch(hosts.host[0]);
    udp_send_text(plain, &group, "hi");
    harness_equal("port", expect_answer(plain, "yes", "10.7.0.1:"), 3000);
    int member = join(&hosts, 2);
    udp_send_text(member, &group, "hi");
    udp_expect(member, NULL, "hi"); /* its own datagram, from the group */
    harness_equal("port", expect_answer(member, "yes", "10.7.0.1:"), 3000);
    harness_equal("clients", server_stat(&server, "clients"), 2);
    harness_contains("clients", ctl_ok(&server, "clients", NULL), "239.7.7.7%eth0:3000");

    ctl_ok(&server, "broadcast", "news", NULL);
    harness_equal("port", expect_answer(plain, "news", "10.7.0.1:"), 3000);
    harness_equal("port", expect_answer(member, "news", "10.7.0.1:"), 3000);
    expect_balance("stats", server_ask(&server, "stats"));
    /* No other server gets the port that the group shares with the listener. */
    struct server second = {0};
    struct result result = server_try(&second, OPEN, "-l", "0.0.0.0:3000", NULL);
    harness_contains("a second server", result.err, "another program uses it");
    ctl_ok(&server, "kick", "10.7.0.3:3000", NULL);
    harness_equal("clients", server_stat(&server, "clients"), 1);
    server_stop(&server);
}

Test(system_multicast, with_cookies_a_group_challenges_by_unicast)
{
    struct server server = {0};
    struct hosts hosts;
    struct endpoint group, from;
    uint8_t frame[64];

    hosts_build(&hosts);
    server_start(&server, "[admission]\npolicy = cookie\n[reply]\nmessage = yes\n", "-l",
                 "0.0.0.0:3000", "-l", "239.7.7.7%eth0:3000", NULL);
    group = endpoint_of("239.7.7.7:3000");
    netns_switch(hosts.host[1]);
    int udp = udp_open("10.7.0.2:0");
    netns_switch(hosts.host[0]);
    udp_send_text(udp, &group, "hi");
    harness_equal("a challenge", udp_receive(udp, frame, sizeof frame, &from), 21);
    harness_contains("its source", endpoint_text(&from), "10.7.0.1:3000");
    frame[4] = 2;
    memcpy(frame + 21, "hi", 2);
    udp_send(udp, &group, frame, 23);
    harness_equal("port", expect_answer(udp, "yes", "10.7.0.1:"), 3000);
    udp_send_text(udp, &group, "hi");
    harness_equal("port", expect_answer(udp, "yes", "10.7.0.1:"), 3000);
    /* A client that answers to the source of the challenge is challenged there once more. */
    udp_send(udp, &from, frame, 23);
    harness_equal("a challenge", udp_receive(udp, frame, sizeof frame, &from), 21);
    frame[4] = 2;
    memcpy(frame + 21, "hi", 2);
    udp_send(udp, &from, frame, 23);
    harness_equal("port", expect_answer(udp, "yes", "10.7.0.1:"), 3000);
    harness_equal("challenged", server_stat(&server, "challenged"), 2);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_multicast, a_group_is_served_by_one_of_several_workers)
{
    enum { CLIENTS = 24 };
    struct server server = {0};
    struct hosts hosts;
    struct endpoint group;
    int clients[CLIENTS];

    hosts_build(&hosts);
    server_start(&server, harness_format("[server]\nworkers = 4\n%s", OPEN), "-l", "0.0.0.0:3000",
                 "-l", "239.7.7.7%eth0:3000", NULL);
    group = endpoint_of("239.7.7.7:3000");
    netns_switch(hosts.host[1]);
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = udp_open("10.7.0.2:0");
    netns_switch(hosts.host[0]);
    for (int i = 0; i < CLIENTS; i++) {
        udp_send_text(clients[i], &group, "hi");
        harness_equal("port", expect_answer(clients[i], "yes", "10.7.0.1:"), 3000);
    }
    harness_equal("clients", server_stat(&server, "clients"), CLIENTS);
    harness_equal("received", server_stat(&server, "received"), CLIENTS);
    ctl_ok(&server, "broadcast", "news", NULL);
    for (int i = 0; i < CLIENTS; i++)
        harness_equal("port", expect_answer(clients[i], "news", "10.7.0.1:"), 3000);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_multicast,
     a_group_without_another_listener_answers_from_a_port_that_accepts_requests_too)
{
    struct server server = {0};
    struct hosts hosts;
    struct endpoint group, reply_listener;

    hosts_build(&hosts);
    server_start(&server, OPEN, "-l", "239.7.7.7%eth0:3000", NULL);
    group = endpoint_of("239.7.7.7:3000");
    netns_switch(hosts.host[1]);
    int udp = udp_open("10.7.0.2:0");
    netns_switch(hosts.host[0]);
    udp_send_text(udp, &group, "hi");
    uint16_t port = expect_answer(udp, "yes", "10.7.0.1:");
    expect(port != 3000, "expected a port of its own");
    reply_listener = endpoint_with_port("10.7.0.1", port);
    udp_ask(udp, &reply_listener, "hi again", "yes");
    harness_equal("clients", server_stat(&server, "clients"), 1);
    /* A member on the server's host is the only one bound to the port of the group there. */
    int neighbour = join(&hosts, 0);
    udp_send_text(neighbour, &group, "hi from here");
    udp_expect(neighbour, NULL, "hi from here");
    harness_equal("port", expect_answer(neighbour, "yes", "10.7.0.1:"), port);
    server_stop(&server);
}

Test(system_multicast, a_group_of_ipv6_is_answered_by_unicast)
{
    struct server server = {0};
    struct hosts hosts;

    hosts_build(&hosts);
    server_start(&server, OPEN, "-l", "[::]:3000", "-l", "[ff02::1%eth0]:3000", NULL);
    netns_switch(hosts.host[1]);
    int udp = udp_open("[fe80::2%eth0]:0");
    struct endpoint group = endpoint_of("[ff02::1%eth0]:3000");
    netns_switch(hosts.host[0]);
    udp_send_text(udp, &group, "hi");
    harness_equal("port", expect_answer(udp, "yes", "[fe80::1%"), 3000);
    harness_equal("clients", server_stat(&server, "clients"), 1);
    server_stop(&server);
}

static const char MULTICAST[] = "[admission]\npolicy = open\n[reply]\nmessage = yes\n"
                                "[broadcast]\nmulticast = 239.7.7.7:3000\n"
                                "multicast-interface = eth0\nmulticast-ttl = %d\n";

Test(system_multicast, each_broadcast_is_sent_once_to_the_group_and_once_to_each_client)
{
    struct server server = {0};
    struct hosts hosts;

    hosts_build(&hosts);
    server_start(&server, harness_format(MULTICAST, 1), "-l", "10.7.0.1:4000", NULL);
    int members[HOSTS], client;
    for (int i = 0; i < HOSTS; i++)
        members[i] = join(&hosts, i);
    netns_switch(hosts.host[1]);
    client = udp_open("10.7.0.2:0");
    netns_switch(hosts.host[0]);
    udp_ask(client, &server.at[0], "hi", "yes");

    const char *report = ctl_ok(&server, "broadcast", "first", "--json", NULL);
    harness_equal("targets", json_integer(report, "targets"), 2);
    harness_equal("sent", json_integer(report, "sent"), 2);
    udp_expect(client, &server.at[0], "first");
    for (int i = 0; i < HOSTS; i++)
        udp_expect(members[i], NULL, "first");

    /* A broadcast to some clients is not for the group. */
    report = ctl_ok(&server, "broadcast", "--to", "10.7.0.0/16", "selected", "--json", NULL);
    harness_equal("targets", json_integer(report, "targets"), 1);
    udp_expect(client, &server.at[0], "selected");

    leave(members[2]);
    ctl_ok(&server, "broadcast", "second", NULL);
    udp_expect(client, &server.at[0], "second");
    udp_expect(members[0], NULL, "second");
    udp_expect(members[1], NULL, "second");
    udp_expect_nothing(members[2], "it has left");
    for (int i = 0; i < HOSTS; i++)
        udp_expect_nothing(members[i], "each was received once");
    server_stop(&server);
}

Test(system_multicast, a_ttl_of_0_stays_on_the_host)
{
    struct server server = {0};
    struct hosts hosts;

    hosts_build(&hosts);
    server_start(&server, harness_format(MULTICAST, 0), "-l", "10.7.0.1:4000", NULL);
    int on_host = join(&hosts, 0), on_neighbour = join(&hosts, 1);
    ctl_ok(&server, "broadcast", "psst", NULL);
    udp_expect(on_host, NULL, "psst");
    /* A datagram that crosses the link is sent after it. */
    netns_switch(hosts.host[0]);
    int udp = udp_open("10.7.0.1:0");
    struct endpoint neighbour = endpoint_of("10.7.0.2:3000");
    udp_send_text(udp, &neighbour, "loud");
    udp_expect(on_neighbour, NULL, "loud");
    server_stop(&server);
}

static const char MULTICAST_IPV6[] = "[admission]\npolicy = open\n[broadcast]\n"
                                     "multicast = [ff02::77]:3000\n"
                                     "multicast-interface = eth0\nmulticast-ttl = %d\n";

Test(system_multicast, broadcasts_are_sent_to_a_group_of_ipv6_with_the_ttl)
{
    struct hosts hosts;

    hosts_build(&hosts);
    int on_host = join_ipv6(&hosts, 0), on_neighbour = join_ipv6(&hosts, 1),
        far = join_ipv6(&hosts, 2);
    for (int ttl = 0; ttl <= 1; ttl++) {
        struct server server = {0};
        const char *text = harness_format("ttl %d", ttl);
        server_start(&server, harness_format(MULTICAST_IPV6, ttl), "-l", "[fd07::1]:4000", NULL);
        const char *report = ctl_ok(&server, "broadcast", text, "--json", NULL);
        harness_equal("sent", json_integer(report, "sent"), 1);
        udp_expect(on_host, NULL, text);
        server_stop(&server);
    }
    /* The first of them stayed on the server's host. */
    udp_expect(on_neighbour, NULL, "ttl 1");
    udp_expect(far, NULL, "ttl 1");
}

Test(system_multicast, a_server_that_receives_its_own_broadcasts_does_not_answer_them)
{
    struct server server = {0};
    struct hosts hosts;

    hosts_build(&hosts);
    server_start(&server, harness_format(MULTICAST, 1), "-l", "239.7.7.7%eth0:3000", NULL);
    for (int i = 1; i <= 3; i++) {
        ctl_ok(&server, "broadcast", "echo?", NULL);
        server_await_stat(&server, "drop_own_source", i);
    }
    harness_equal("received", server_stat(&server, "received"), 3);
    harness_equal("clients", server_stat(&server, "clients"), 0);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_multicast, two_servers_in_one_group_do_not_answer_each_other_endlessly)
{
    struct server first = {0}, second = {0};
    struct hosts hosts;

    hosts_build(&hosts);
    server_start(&first, harness_format(MULTICAST, 1), "-l", "239.7.7.7%eth0:3000", NULL);
    netns_switch(hosts.host[1]);
    server_start(&second, harness_format(MULTICAST, 1), "-l", "239.7.7.7%eth0:3000", NULL);
    netns_switch(hosts.host[0]);
    ctl_ok(&first, "broadcast", "hello", NULL);
    server_await_stat(&second, "received", 1);
    server_await_stat(&first, "drop_own_source", 1);
    ctl_ok(&second, "broadcast", "hello", NULL);
    server_await_stat(&first, "received", 2);
    server_await_stat(&second, "drop_own_source", 1);
    harness_equal("received by the first", server_stat(&first, "received"), 2);
    harness_equal("received by the second", server_stat(&second, "received"), 2);
    server_stop(&first);
    server_stop(&second);
}

Test(system_multicast, python_in_the_group_is_a_client)
{
    static const char MEMBER[] =
        "import socket, struct\n"
        "member = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "member.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
        "member.bind(('', 3000))\n"
        "group = socket.inet_aton('239.7.7.7')\n"
        "member.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,\n"
        "                group + socket.inet_aton('10.7.0.2'))\n"
        "member.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)\n"
        "member.sendto(b'hi', ('239.7.7.7', 3000))\n"
        "print(*member.recvfrom(100), flush=True)\n"
        "print(*member.recvfrom(100), flush=True)\n";
    struct server server = {0};
    struct process python = {0};
    struct hosts hosts;

    hosts_build(&hosts);
    server_start(&server, OPEN, "-l", "10.7.0.1:3000", "-l", "239.7.7.7%eth0:3000", NULL);
    netns_switch(hosts.host[1]);
    netns_shell("ip route add 239.0.0.0/8 dev eth0");
    process_start(&python, NULL, (const char *const[]){"python3", "-c", MEMBER, NULL});
    netns_switch(hosts.host[0]);
    process_await_text(&python, "b'yes' ('10.7.0.1', 3000)\n");
    ctl_ok(&server, "broadcast", "news", NULL);
    process_await_text(&python, "b'news' ('10.7.0.1', 3000)\n");
    harness_equal("status", process_wait(&python), 0);
    server_stop(&server);
}

Test(system_multicast, python_in_the_group_and_a_stream_chat_with_each_other)
{
    static const char MEMBER[] =
        "import socket\n"
        "member = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "member.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
        "member.bind(('', 3000))\n"
        "member.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,\n"
        "                socket.inet_aton('239.7.7.7') + socket.inet_aton('10.7.0.2'))\n"
        "member.sendto(b'hello from the group', ('239.7.7.7', 3000))\n"
        "while (received := member.recv(100)) == b'hello from the group': pass\n"
        "print(received.decode())\n";
    struct server server = {0};
    struct process python = {0};
    struct hosts hosts;

    hosts_build(&hosts);
    server_start(
        &server, "[admission]\npolicy = open\n[reply]\nmode = none\n[broadcast]\nrelay = others\n",
        "-l", "10.7.0.1:3000", "-l", "239.7.7.7%eth0:3000", "-l", "tcp:10.7.0.1:3000", NULL);
    int stream = stream_open(server.others[1]);
    server_await_clients(&server, 1);
    netns_switch(hosts.host[1]);
    netns_shell("ip route add 239.0.0.0/8 dev eth0");
    process_start(&python, NULL, (const char *const[]){"python3", "-c", MEMBER, NULL});
    netns_switch(hosts.host[0]);
    stream_expect(stream, "hello from the group");
    stream_write_text(stream, "hello from a stream\n");
    harness_equal("status", process_wait(&python), 0);
    harness_contains("what Python received", python.texts[0].data, "hello from a stream\n");
    stream_expect_nothing(stream, "the sender gets no copy");
    server_stop(&server);
}

Test(system_multicast, an_invalid_group_or_interface_is_an_error)
{
    struct server server = {0};
    struct hosts hosts;
    struct result result;

    hosts_build(&hosts);
    result = server_try(&server, OPEN, "-l", "239.7.7.7%nowhere:3000", NULL);
    expect(result.status == 1, "expected a start that fails, not %d", result.status);
    harness_contains("stderr", result.err, "no interface has that name");
    result = server_try(&server, "[broadcast]\nmulticast = 10.7.0.2:3000\n", "-t", NULL);
    harness_equal("status", result.status, 78);
    harness_contains("stderr", result.err, "not a multicast group");
    result = server_try(&server,
                        "[broadcast]\nmulticast = 239.7.7.7:3000\n"
                        "multicast-interface = nowhere\n",
                        NULL);
    expect(result.status == 1, "expected a start that fails, not %d", result.status);
    harness_contains("stderr", result.err, "cannot send to broadcast.multicast");
    harness_contains("stderr", result.err, "no interface has that name");
}
