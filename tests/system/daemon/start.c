/* The start of the server: its default listeners, the errors of a failed start, and the change of
 * its user. */

#include "harness.h"

#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_start, .fini = harness_end, .timeout = 60);

enum { NOBODY = 65534 };

/* Expects a failed start: status 1, one line with what and where, and no socket file. */
static void expect_failure(const struct server *server, const struct result *result,
                           const char *what, const char *where)
{
    expect(result->status == 1, "expected the start to end with 1, it was %d: '%s'", result->status,
           result->err);
    harness_equal("lines of the error", (int64_t)text_count(result->err, "\n"), 1);
    harness_contains("the error", result->err, what);
    harness_contains("the error", result->err, where);
    harness_equal("bytes on stdout", (int64_t)result->out_bytes, 0);
    expect(access(server->socket, F_OK) != 0, "expected no %s after a failed start",
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

Test(system_start, the_log_lists_the_addresses_when_the_server_is_ready)
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

Test(system_start, the_log_truncates_a_long_list_after_a_whole_address)
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

/* Copies the programs to a directory where every user may run them. */
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
        cr_skip_test("every user may bind every port here");
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

Test(system_start, a_numeric_user_without_an_entry_needs_a_group)
{
    struct server server = {0};
    struct result result =
        server_try(&server, "[server]\nuser = 54321\n", "-l", "127.0.0.1:0", NULL);

    expect_failure(&server, &result, "cannot find the group of the user to become", "on=54321");
    harness_contains("the error", result.err, "state server.group");
    expect(strstr(result.err, "No such process") == NULL, "expected a useful reason: '%s'",
           result.err);
    server = (struct server){0};
    result = server_try(&server, "[server]\ngroup = nosuchgroup\n", "-l", "127.0.0.1:0", NULL);
    expect_failure(&server, &result, "nosuchgroup", "no entry has that name");
    if (geteuid() != 0)
        cr_skip_test("only root can become another user");
    harness_disable_leak_check();
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
        cr_skip_test("the start of a sanitizer cannot be traced");
    if (run(NULL, "strace", "-o", "/dev/null", "true", NULL).status != 0)
        cr_skip_test("strace does not run here");
    result = server_try(&server, NULL, "-l", "127.0.0.1:0", NULL);
    expect_failure(&server, &result, "random", "");
}

Test(system_start, the_default_listeners_are_both_loopback_addresses)
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

Test(system_start, a_host_without_ipv6_gets_a_warning_and_an_ipv4_listener)
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
    /* An explicit listener is not left out. */
    result = server_try(&second, NULL, "-l", "127.0.0.1:0", "-l", "[::1]:0", NULL);
    expect_failure(&second, &result, "[::1]:0", "");
    server_stop(&server);
}

Test(system_start, a_host_without_ipv4_gets_a_warning_and_an_ipv6_listener)
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

Test(system_start, a_wildcard_listener_without_ipv6_on_loopback_gets_a_warning)
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

static void expect_status_line(const struct server *server, const char *line)
{
    const char *status =
        run_ok(NULL, "cat", harness_format("/proc/%d/status", (int)server->process.pid), NULL);

    harness_contains("/proc/PID/status", status, line);
}

Test(system_start, a_server_becomes_its_user_and_keeps_no_privilege_of_root)
{
    struct server server = {.owner = NOBODY};
    int udp;

    if (geteuid() != 0)
        cr_skip_test("only root can become another user");
    harness_disable_leak_check();
    server_start(&server, "[server]\nuser = nobody\n[reply]\nmessage = yes\n", "-l",
                 harness_privileged_address(), NULL);
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

Test(system_start, a_warning_names_a_configuration_that_the_new_user_cannot_read)
{
    const char *wrapper[] = {"sh", "-c", "chmod 600 \"$5\" && exec \"$@\"", "sh", NULL};
    struct server server = {.owner = NOBODY, .wrapper = wrapper};

    if (geteuid() != 0)
        cr_skip_test("only root can become another user");
    harness_disable_leak_check();
    server_start(&server, "[server]\nuser = nobody\n", "-l", "127.0.0.1:0", NULL);
    server_await_log(&server, server.config);
    server_stop(&server);
}
