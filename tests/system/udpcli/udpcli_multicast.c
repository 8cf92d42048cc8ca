/* udpcli --group: several udpcli and a Python program in a multicast group, without a server. */

#include "harness.h"
#include "hosts.h"

#include <string.h>

TestSuite(system_udpcli_multicast, .fini = harness_end, .timeout = 60);

static void start_member(const struct hosts *hosts, int i, struct process *member, const char *ttl)
{
    netns_switch(hosts->host[i]);
    process_start(member, NULL,
                  (const char *const[]){"udpcli", "--group", "239.7.7.7:3000", "--interface",
                                        "eth0", "--ttl", ttl, NULL});
    netns_switch(hosts->host[0]);
}

/* Sends a word until the member receives its own message, which shows that it has joined. */
static void await_join(struct process *member, const char *word)
{
    process_write(member, harness_format("%s\n", word));
    process_await_text(member, word);
}

Test(system_udpcli_multicast, three_members_receive_each_message_with_its_sender)
{
    struct process members[HOSTS] = {{0}};
    struct hosts hosts;

    hosts_build(&hosts);
    for (int i = 0; i < HOSTS; i++) {
        start_member(&hosts, i, &members[i], "1");
        await_join(&members[i], harness_format("joining %d", i));
    }
    for (int i = 0; i < HOSTS; i++) {
        process_write(&members[i], harness_format("hello from %d\n", i));
        for (int k = 0; k < HOSTS; k++)
            process_await_text(&members[k],
                               harness_format("10.7.0.%d:3000: hello from %d\n", i + 1, i));
    }
    /* A member that leaves receives nothing more. */
    process_close_stdin(&members[2]);
    harness_equal("status", process_wait(&members[2]), 0);
    process_write(&members[0], "is 2 still there?\n");
    process_await_text(&members[1], "10.7.0.1:3000: is 2 still there?\n");
    expect(strstr(members[2].texts[0].data, "still there") == NULL, "expected it to have left");
    process_close_stdin(&members[0]);
    process_close_stdin(&members[1]);
    process_wait(&members[0]);
    process_wait(&members[1]);
}

Test(system_udpcli_multicast, a_message_with_ttl_0_stays_on_its_host)
{
    struct process here = {0}, there = {0}, quiet = {0};
    struct hosts hosts;

    hosts_build(&hosts);
    start_member(&hosts, 0, &here, "1");
    start_member(&hosts, 1, &there, "1");
    start_member(&hosts, 0, &quiet, "0");
    await_join(&here, "joining here");
    await_join(&there, "joining there");
    await_join(&quiet, "psst");
    process_await_text(&here, "10.7.0.1:3000: psst\n");
    process_write(&here, "loud\n");
    process_await_text(&there, "10.7.0.1:3000: loud\n");
    expect(strstr(there.texts[0].data, "psst") == NULL, "expected it to stay on its host");
    process_kill(&here, 9);
    process_kill(&there, 9);
    process_kill(&quiet, 9);
}

Test(system_udpcli_multicast, python_and_udpcli_exchange_messages_over_ipv4_and_ipv6)
{
    static const char PYTHON[] =
        "import socket, struct, sys\n"
        "v6 = ':' in sys.argv[1]\n"
        "udp = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)\n"
        "udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
        "udp.bind(('', 3000))\n"
        "link = socket.if_nametoindex('eth0')\n"
        "group = socket.inet_pton(udp.family, sys.argv[1])\n"
        "if v6:\n"
        "    udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,\n"
        "                    group + struct.pack('@I', link))\n"
        "    to = (sys.argv[1], 3000, 0, link)\n"
        "else:\n"
        "    udp.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,\n"
        "                    struct.pack('4s4si', group, b'', link))\n"
        "    udp.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,\n"
        "                    struct.pack('4s4si', group, b'', link))\n"
        "    to = (sys.argv[1], 3000)\n"
        "udp.sendto(b'hello from Python', to)\n"
        "while (received := udp.recv(100)) == b'hello from Python': pass\n"
        "print(received.decode())\n";
    static const char *const groups[][2] = {{"239.7.7.7", "239.7.7.7:3000"},
                                            {"ff02::77", "[ff02::77%eth0]:3000"}};
    struct hosts hosts;

    hosts_build(&hosts);
    for (int i = 0; i < 2; i++) {
        struct process member = {0}, python = {0};
        netns_switch(hosts.host[0]);
        process_start(&member, NULL,
                      (const char *const[]){"udpcli", "--group", groups[i][1], "-i", "eth0", NULL});
        await_join(&member, "anyone?");
        netns_switch(hosts.host[1]);
        process_start(&python, NULL,
                      (const char *const[]){"python3", "-c", PYTHON, groups[i][0], NULL});
        netns_switch(hosts.host[0]);
        process_await_text(&member, ": hello from Python\n");
        process_write(&member, "hello from udpcli\n");
        harness_equal("status", process_wait(&python), 0);
        harness_contains("what Python received", python.texts[0].data, "hello from udpcli\n");
        process_close_stdin(&member);
        process_wait(&member);
    }
}

Test(system_udpcli_multicast, an_error_names_an_invalid_group_or_a_missing_interface)
{
    struct hosts hosts;
    struct result result;

    hosts_build(&hosts);
    result = run(NULL, "udpcli", "--group", "10.7.0.1:3000", "hi", NULL);
    harness_equal("status", result.status, 2);
    harness_contains("stderr", result.err, "not a multicast group");
    result = run(NULL, "udpcli", "--group", "239.7.7.7:3000", "-i", "nowhere", "hi", NULL);
    harness_equal("status", result.status, 1);
    harness_contains("stderr", result.err, "no such network interface");
    result = run(NULL, "udpcli", "--group", "[ff02::1]:3000", "hi", NULL);
    expect(result.status != 0, "expected a link-local group to need an interface");
}

Test(system_udpcli_multicast, an_error_without_a_route_advises_what_to_check)
{
    struct result result;

    netns_enter();
    result = run(NULL, "udpcli", "192.0.2.1", "hi", NULL);
    harness_equal("status", result.status, 1);
    harness_contains("stderr", result.err, "; check the address, and with `ip route` the route");
    result = run(NULL, "udpcli", "--group", "239.7.7.7:3000", "hi", NULL);
    harness_equal("status", result.status, 1);
    harness_contains("stderr", result.err, "; name the interface that leads there");
}
