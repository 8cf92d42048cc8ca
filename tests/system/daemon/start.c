/* From the first system call to the last: what a start needs, what it says when that is missing,
 * and how the service ends. */

#include "harness.h"

#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(system_start, .fini = harness_end, .timeout = 60);

enum { NOBODY = 65534 };

/* A start that failed: status 1, one line that holds what and where, no socket file. */
static void expect_failure(const struct server *server, const struct result *result,
                           const char *what, const char *where)
{
    expect(result->status == 1, "expected the start to end with 1, it was %d: '%s'", result->status,
           result->err);
    harness_equal("lines of the complaint", (int64_t)text_count(result->err, "\n"), 1);
    harness_contains("the complaint", result->err, what);
    harness_contains("the complaint", result->err, where);
    harness_equal("bytes on stdout", (int64_t)result->out_bytes, 0);
    expect(access(server->socket, F_OK) != 0, "expected no %s behind a failed start",
           server->socket);
}

Test(system_start, fails_when_the_port_is_in_use)
{
    struct server server = {0}, second = {0};
    const char *at;
    struct result result;

    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    at = endpoint_text(&server.at[0]);
    result = server_try(&second, NULL, "-l", at, NULL);
    expect_failure(&second, &result, "in use", at);
    second = (struct server){0};
    result = server_try(&second, NULL, "-l", "127.0.0.1:0", "-l", at, NULL);
    expect_failure(&second, &result, "in use", at);
    server_stop(&server);
}

Test(system_start, fails_when_the_address_is_not_of_this_host)
{
    struct server server = {0};
    struct result result =
        server_try(&server, "[admission]\npolicy = open\n", "-l", "192.0.2.1:3000", NULL);

    expect_failure(&server, &result, "192.0.2.1:3000", "assign");
}

Test(system_start, says_in_the_log_on_which_addresses_it_is_ready)
{
    struct server server = {0};
    const char *line;

    server_start(&server, "[log]\nformat = logfmt\n", "-l", "127.0.0.1:0", "-l", "[::1]:0", "-l",
                 harness_format("unix:%s", harness_path("clients")), NULL);
    line = server_await_log(&server, "msg=ready");
    harness_contains("the line", line,
                     harness_format("addresses=\"%s %s unix:%s\"", endpoint_text(&server.at[0]),
                                    endpoint_text(&server.at[1]), harness_path("clients")));
    server_stop(&server);
}

Test(system_start, leaves_no_address_cut_where_the_log_has_no_room_for_all)
{
    struct server server = {0};
    const char *argv[HARNESS_ARGUMENTS_MAX + 1] = {"udpsrv", "-s", harness_path("sock")};
    size_t count = 3;

    for (int i = 0; i < 28; i++) {
        argv[count++] = "-l";
        argv[count++] = harness_format("unix:%s-%02d", harness_path("clients-of-this-test"), i);
    }
    process_start(&server.process, NULL, argv);
    process_await_text(&server.process, "ready ");
    server.log_read = 0;
    harness_contains("the line", server_await_log(&server, " ready "), " more\" socket=");
    process_kill(&server.process, SIGTERM);
    harness_equal("the status", process_wait(&server.process), 0);
}

static void become_nobody(void)
{
    if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
        _exit(126);
}

/* A copy of the programs where everyone may run them. */
static void copy_programs(void)
{
    const char *build = getenv("UDPSRV_BUILD");

    run_ok(NULL, "cp", harness_format("%s/udpsrv", build != NULL ? build : "build"),
           harness_format("%s/udpctl", build != NULL ? build : "build"), harness_path(""), NULL);
    setenv("UDPSRV_BUILD", harness_path(""), 1);
}

Test(system_start, fails_when_the_port_is_not_permitted)
{
    struct server server = {.prepare = become_nobody, .owner = geteuid() == 0 ? NOBODY : 0};
    FILE *file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
    struct result result;
    int start = 1024;

    if (file != NULL && fscanf(file, "%d", &start) != 1)
        start = 1024;
    if (file != NULL)
        fclose(file);
    if (start <= 81)
        cr_skip_test("every port is open to everyone here");
    copy_programs();
    result = server_try(&server, NULL, "-l", "127.0.0.1:81", NULL);
    expect_failure(&server, &result, "127.0.0.1:81", "ermi");
}

Test(system_start, fails_when_the_sockets_directory_is_missing)
{
    struct server server = {.socket = harness_path("nowhere/sock")};
    struct result result = server_try(&server, NULL, "-l", "127.0.0.1:0", NULL);

    expect_failure(&server, &result, server.socket, "No such file");
}

Test(system_start, fails_when_the_user_or_the_group_is_missing)
{
    struct server server = {0};
    struct result result =
        server_try(&server, "[server]\nuser = nosuchuser\n", "-l", "127.0.0.1:0", NULL);

    expect_failure(&server, &result, "nosuchuser", "user");
    server = (struct server){0};
    result = server_try(&server, "[server]\ngroup = nosuchgroup\n", "-l", "127.0.0.1:0", NULL);
    expect_failure(&server, &result, "nosuchgroup", "group");
    server = (struct server){0};
    result = server_try(&server, "[control]\ngroup = nosuchgroup\n", "-l", "127.0.0.1:0", NULL);
    expect_failure(&server, &result, "nosuchgroup", "group");
}

Test(system_start, asks_for_a_group_where_the_user_is_a_number_without_an_entry)
{
    struct server server = {0};
    struct result result =
        server_try(&server, "[server]\nuser = 54321\n", "-l", "127.0.0.1:0", NULL);

    expect_failure(&server, &result, "cannot find the group of the user to become", "on=54321");
    harness_contains("the complaint", result.err, "state server.group");
    expect(strstr(result.err, "No such process") == NULL, "expected a reason that is one: '%s'",
           result.err);
    server = (struct server){0};
    result = server_try(&server, "[server]\ngroup = nosuchgroup\n", "-l", "127.0.0.1:0", NULL);
    expect_failure(&server, &result, "nosuchgroup", "no entry has that name");
    if (geteuid() != 0)
        cr_skip_test("only root can become another user");
    harness_forgo_leaks();
    server = (struct server){.owner = 54321};
    server_start(&server, "[server]\nuser = 54321\ngroup = 54321\n", "-l", "127.0.0.1:0", NULL);
    server_stop(&server);
}

Test(system_start, fails_when_the_kernel_has_no_entropy)
{
    static const char *const strace[] = {"strace",
                                         "-f",
                                         "-qq",
                                         "-o",
                                         "/dev/null",
                                         "-e",
                                         "trace=getrandom",
                                         "-e",
                                         "inject=getrandom:error=EAGAIN",
                                         NULL};
    struct server server = {.wrapper = strace};
    struct result result;

    if (harness_sanitized())
        cr_skip_test("a sanitizer's own start is not to be traced");
    if (run(NULL, "strace", "-o", "/dev/null", "true", NULL).status != 0)
        cr_skip_test("strace does not run here");
    result = server_try(&server, NULL, "-l", "127.0.0.1:0", NULL);
    expect_failure(&server, &result, "random", "");
}

Test(system_start, listens_on_both_loopbacks_by_default)
{
    struct server server = {0};
    int four, six;

    netns_enter();
    server_start(&server, NULL, NULL);
    harness_equal("listeners", (int64_t)server.listeners, 2);
    cr_assert_str_eq(endpoint_text(&server.at[0]), "127.0.0.1:3000");
    cr_assert_str_eq(endpoint_text(&server.at[1]), "[::1]:3000");
    four = udp_open("127.0.0.1");
    six = udp_open("::1");
    udp_ask(four, &server.at[0], "hi", "audi");
    udp_ask(six, &server.at[1], "hi", "toyota");
    server_stop(&server);
}

Test(system_start, does_without_ipv6_where_the_host_has_none_and_says_so)
{
    struct server server = {0}, second = {0};
    struct result result;
    int udp;

    netns_enter();
    netns_shell("echo 1 >/proc/sys/net/ipv6/conf/lo/disable_ipv6");
    server_start(&server, NULL, NULL);
    harness_equal("listeners", (int64_t)server.listeners, 1);
    server_await_log(&server, "[::1]:3000");
    udp = udp_open("127.0.0.1");
    udp_ask(udp, &server.at[0], "hi", "audi");
    /* Who asks for it by name means it. */
    result = server_try(&second, NULL, "-l", "127.0.0.1:0", "-l", "[::1]:0", NULL);
    expect_failure(&second, &result, "[::1]:0", "");
    server_stop(&server);
}

Test(system_start, does_without_ipv4_where_the_host_has_none_and_says_so)
{
    struct server server = {0};
    int udp;

    netns_enter();
    netns_shell("ip addr del 127.0.0.1/8 dev lo");
    server_start(&server, NULL, NULL);
    harness_equal("listeners", (int64_t)server.listeners, 1);
    server_await_log(&server, "127.0.0.1:3000");
    udp = udp_open("::1");
    udp_ask(udp, &server.at[0], "hi", "audi");
    server_stop(&server);
}

Test(system_start, listens_on_all_addresses_where_ipv6_is_disabled_and_says_what_that_costs)
{
    struct endpoint to = endpoint_with_port("127.0.0.1", 3000);
    struct server server = {0};
    int udp;

    netns_enter();
    netns_shell("echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6");
    server_start(&server, "[admission]\npolicy = open\n", "-l", "0.0.0.0:3000", "-l", "[::]:3000",
                 NULL);
    harness_equal("listeners", (int64_t)server.listeners, 2);
    server_await_log(&server, "the loopback interface has no IPv6");
    udp = udp_open("127.0.0.1");
    udp_ask(udp, &to, "hi", "audi");
    server_stop(&server);
}

/* Clients who keep a bounded number of requests under way, so that no answer is lost at their end.
 */
enum { FLOOD_CLIENTS = 4, UNDER_WAY = 50 };

struct flood {
    int udp[FLOOD_CLIENTS];
    int64_t sent[FLOOD_CLIENTS], replied[FLOOD_CLIENTS];
};

static void take_replies(struct flood *flood, int i)
{
    char reply[64];

    while (recv(flood->udp[i], reply, sizeof reply, MSG_DONTWAIT) >= 0)
        flood->replied[i]++;
}

static void flood_once(struct flood *flood, const struct endpoint *to)
{
    for (int i = 0; i < FLOOD_CLIENTS; i++) {
        for (; flood->sent[i] - flood->replied[i] < UNDER_WAY; flood->sent[i]++)
            udp_say(flood->udp[i], to, "hi");
        take_replies(flood, i);
    }
}

static int64_t replies_of(const struct flood *flood)
{
    int64_t sum = 0;

    for (int i = 0; i < FLOOD_CLIENTS; i++)
        sum += flood->replied[i];
    return sum;
}

static void stop_under_load(struct server *server, int signal)
{
    enum { BEFORE = 5000 };
    struct flood flood = {0};
    int64_t started = harness_now_ms();
    const char *line;

    for (int i = 0; i < FLOOD_CLIENTS; i++)
        flood.udp[i] = udp_open("127.0.0.1");
    while (replies_of(&flood) < BEFORE) {
        flood_once(&flood, &server->at[0]);
        expect(harness_now_ms() - started < HARNESS_DEADLINE_MS, "expected %d replies", BEFORE);
    }
    started = harness_now_ms();
    process_kill(&server->process, signal);
    while (server->process.pidfd >= 0) {
        flood_once(&flood, &server->at[0]);
        process_pump(&server->process, 0);
        expect(harness_now_ms() - started < HARNESS_DEADLINE_MS, "expected it to end");
    }
    harness_equal("the status", server->process.status, 0);
    expect(harness_sanitized() || harness_now_ms() - started <= 1000,
           "expected it to end within 1 s, it took %lld ms",
           (long long)(harness_now_ms() - started));
    expect(access(server->socket, F_OK) != 0, "expected no socket behind the end");
    for (int i = 0; i < FLOOD_CLIENTS; i++)
        take_replies(&flood, i);
    line = strstr(server_log(server), " stopped ");
    expect(line != NULL, "expected the log to say 'stopped'");
    line = harness_format("%.*s", (int)strcspn(line, "\n"), line);
    expect_balance("the last line", line);
    harness_equal("replied", text_integer(line, "replied"), replies_of(&flood));
}

Test(system_start, ends_on_sigterm_under_load_with_its_counters_balanced)
{
    struct server server = {0};

    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    stop_under_load(&server, SIGTERM);
}

Test(system_start, ends_on_sigint_likewise)
{
    struct server server = {0};

    server_start(&server, "[reply]\nmessage = yes\n", "-l", "127.0.0.1:0", NULL);
    stop_under_load(&server, SIGINT);
}

Test(system_start, cancels_jobs_and_leaves_operators_at_its_end)
{
    struct server server = {0};
    int control, silent;
    const char *report;

    server_start(&server, "[reply]\nmode = none\n[broadcast]\nrate = 1\n", "-l", "127.0.0.1:0",
                 NULL);
    for (int i = 0; i < 50; i++)
        udp_say(udp_open("127.0.0.1"), &server.at[0], "hi");
    server_await_stat(&server, "joined", 50);
    silent = control_client_open(&server);
    control = control_client_open(&server);
    operator_send(control, "broadcast wait 6869\n", 20);
    server_await_stat(&server, "copies_sent", 1);
    ctl_ok(&server, "broadcast", "waits", "--no-wait", NULL);
    server_stop(&server);
    report = operator_answer(control);
    expect(report == NULL || strstr(report, "cancelled") != NULL,
           "expected a cancelled job or an end, '%s' came", report);
    operator_expect_end(silent);
}

/* A server whose answers are stuck in its socket: behind a line of a few bytes a second. */
static void start_stuck(struct server *server)
{
    char text[1400] = {'x'};
    struct endpoint to;
    int udp;

    netns_enter();
    netns_shell("ip link add near type veth peer name far; ip addr add 10.8.0.1/24 dev near; "
                "ip link set far up; ip link set near up; "
                "ip neigh add 10.8.0.9 lladdr 02:00:00:00:00:09 dev near; "
                "tc qdisc add dev near root tbf rate 8kbit burst 2k limit 10m");
    server_start(server, "[admission]\npolicy = open\n[reply]\nmode = echo\n", "-l", "10.8.0.1:0",
                 NULL);
    /* The requests come over loopback, with a source behind the slow line. */
    netns_shell("ip addr add 10.8.0.9/32 dev lo");
    udp = udp_open("10.8.0.9");
    to = server->at[0];
    process_kill(&server->process, SIGSTOP);
    for (int i = 0; i < 1000; i++)
        udp_send(udp, &to, text, sizeof text);
    netns_shell("ip addr del 10.8.0.9/32 dev lo");
    process_kill(&server->process, SIGCONT);
    server_await_stat(server, "received", 64);
}

Test(system_start, ends_within_a_second_though_answers_are_stuck)
{
    struct server server = {0};
    int64_t started;

    start_stuck(&server);
    started = harness_now_ms();
    server_stop(&server);
    expect(harness_sanitized() || harness_now_ms() - started <= 1200,
           "expected it to end within about 1 s, it took %lld ms",
           (long long)(harness_now_ms() - started));
    expect_balance("the log's end", strstr(server_log(&server), "stopped"));
}

static void expect_status_line(const struct server *server, const char *line)
{
    const char *status =
        run_ok(NULL, "cat", harness_format("/proc/%d/status", (int)server->process.pid), NULL);

    harness_contains("/proc/PID/status", status, line);
}

Test(system_start, becomes_the_user_and_keeps_nothing_of_root)
{
    struct server server = {.owner = NOBODY};
    int udp;

    if (geteuid() != 0)
        cr_skip_test("only root can become another user");
    harness_forgo_leaks();
    server_start(&server, "[server]\nuser = nobody\n[reply]\nmessage = yes\n", "-l", "127.0.0.1:81",
                 NULL);
    expect_status_line(&server, "\nUid:\t65534\t65534\t65534\t65534\n");
    expect_status_line(&server, "\nGid:\t65534\t65534\t65534\t65534\n");
    expect_status_line(&server, "\nGroups:\t \n");
    expect_status_line(&server, "\nCapPrm:\t0000000000000000\n");
    expect_status_line(&server, "\nCapEff:\t0000000000000000\n");
    udp = udp_open("127.0.0.1");
    udp_ask(udp, &server.at[0], "hi", "yes");
    server_configure(&server, "[server]\nuser = nobody\n[reply]\nmessage = new\n");
    ctl_ok(&server, "reload", NULL);
    udp_ask(udp, &server.at[0], "hi", "new");
    server_stop(&server);
}

Test(system_start, says_that_the_user_will_not_read_the_configuration_again)
{
    const char *wrapper[] = {"sh", "-c", "chmod 600 \"$5\" && exec \"$@\"", "sh", NULL};
    struct server server = {.owner = NOBODY, .wrapper = wrapper};

    if (geteuid() != 0)
        cr_skip_test("only root can become another user");
    harness_forgo_leaks();
    server_start(&server, "[server]\nuser = nobody\n", "-l", "127.0.0.1:0", NULL);
    server_await_log(&server, server.config);
    server_stop(&server);
}

Test(system_start, logs_no_line_per_datagram_and_no_byte_of_strangers)
{
    static const char *const formats[] = {"text", "logfmt", "json"};
    struct server server;
    char evil[3000] = "\x1b[31m\nudpsrv: forged line\r\n\xff";
    int udp = udp_open("127.0.0.1");

    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        const char *log;

        server = (struct server){0};
        server_start(&server,
                     harness_format("[log]\nformat = %s\n[reply]\nmessage = yes\n", formats[i]),
                     "-l", "127.0.0.1:0", NULL);
        for (int turn = 0; turn < 500; turn++) {
            udp_send(udp, &server.at[0], evil, sizeof evil); /* too long */
            udp_ask(udp, &server.at[0], evil, "yes");
        }
        server_ask(&server, "stats");
        server_stop(&server);
        log = server_log(&server);
        expect(text_count(log, "\n") < 20, "expected few lines, there are %zu",
               text_count(log, "\n"));
        expect(strstr(log, "\x1b") == NULL && strstr(log, "forged") == NULL,
               "expected no bytes of strangers");
        for (const char *line = log; *line != '\0' && i == 2; line = strchr(line, '\n') + 1)
            expect(*line == '{' && strchr(line, '\n')[-1] == '}', "expected lines of JSON only");
        harness_contains("the log", log, i == 2 ? "\"received\"" : "received=1000");
    }
}
