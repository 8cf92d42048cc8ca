/* Tests of udpload with a target that is not a loopback address, where each client has a socket: in
 * a network namespace with some addresses and few ports. */

#include "udpload_stand_in.h"

#include <string.h>
#include <sys/resource.h>

TestSuite(system_udpload_hosts, .fini = harness_end, .timeout = 60);

static void begin(void)
{
    netns_enter();
    netns_shell("for host in 1 2 9; do ip addr add 10.8.0.$host/32 dev lo; done\n"
                "ip addr add fd08::1/128 dev lo nodad\n"
                "ip addr add fd08::9/128 dev lo nodad\n"
                "echo 40000 40099 >/proc/sys/net/ipv4/ip_local_port_range");
    netns_await_ipv6();
}

static int from_first, from_second;

static void answer_and_count_sources(int number, const struct endpoint *from)
{
    const char *text = endpoint_text(from);
    from_first += strncmp(text, "10.8.0.1:", 9) == 0;
    from_second += strncmp(text, "10.8.0.2:", 9) == 0;
    if (number % 10 != 0)
        stand_in_send(from, "yes");
}

Test(system_udpload_hosts, distributes_clients_over_the_sources, .init = begin)
{
    stand_in_open_at("10.8.0.9:5000");
    load_start("-c 180 -n 180 -Q 500 -t 2 --source 10.8.0.1 --source 10.8.0.2 --json FILE @");
    stand_in_serve(answer_and_count_sources, INT32_MAX);
    const char *json = load_report();
    report_exact(json);
    report_count(json, "lost", 18);
    report_count(json, "replied", 162);
    harness_equal("requests from the first", from_first, 90);
    harness_equal("requests from the second", from_second, 90);
}

Test(system_udpload_hosts, counts_the_same_over_ipv6, .init = begin)
{
    stand_in_open_at("[fd08::9]:5000");
    load_start("-c 90 -n 90 -Q 500 -t 2 -T 8 --source fd08::1 --json FILE @");
    stand_in_serve(answer_and_count_sources, INT32_MAX);
    const char *json = load_report();
    report_exact(json);
    report_count(json, "lost", 9);
    report_count(json, "replied", 81);
}

static void expect_limit(harness_prepare *prepare, const char *clients, const char *part)
{
    const char *argv[] = {"udpload", "-c", clients, "-n", "1", "10.8.0.9:5000", NULL};
    process_start(&load_process, prepare, argv);
    process_close_stdin(&load_process);
    harness_equal("status", process_wait(&load_process), 1);
    harness_contains("error", load_text(1), part);
    harness_equal("lines", (int64_t)text_count(load_text(1), "\n"), 1);
}

static void allow_few_files(void)
{
    const struct rlimit few = {300, 300};
    setrlimit(RLIMIT_NOFILE, &few);
}

Test(system_udpload_hosts, reports_what_limits_the_number_of_clients, .init = begin)
{
    expect_limit(NULL, "101", "cannot open client 101 of 101: the ports of");
    expect_limit(allow_few_files, "301",
                 "cannot open 301 sockets, one per client: this process may open 300 files");
}

static void answer_then_remove_addresses(int number, const struct endpoint *from)
{
    if (number <= 50)
        stand_in_send(from, "yes");
    if (number == 50)
        netns_shell("for host in 1 2 9; do ip addr del 10.8.0.$host/32 dev lo; done");
}

/* Requests that the kernel refuses after that are counted as send errors. */
Test(system_udpload_hosts, counts_what_the_kernel_refuses, .init = begin)
{
    stand_in_open_at("10.8.0.9:5000");
    load_start("-c 90 -n 600 -Q 200 -t 2 --json FILE @");
    stand_in_serve(answer_then_remove_addresses, INT32_MAX);
    const char *json = load_report();
    harness_equal("due", json_integer(json, "sent") + json_integer(json, "send_errors"), 600);
    report_count(json, "replied", 50);
    expect(json_integer(json, "send_errors") > 0, "expected some to be refused: %s", json);
}
