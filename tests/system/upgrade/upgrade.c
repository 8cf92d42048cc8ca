/* Upgrades that succeed: the new process answers at the same addresses, and nothing is left of the
 * old one. */

#include "upgrade.h"
#include "restart.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(system_upgrade, .fini = harness_end, .timeout = 60);

static struct server server;

static void start(const char *config)
{
    upgrade_install();
    server_start(&server, harness_format("[reply]\nmessage = yes\n%s", config), "-l",
                 restart_address(), NULL);
}

static void expect_answers(int udp)
{
    udp_ask(udp, &server.at[0], "hi", "yes");
}

Test(system_upgrade, the_new_process_answers_at_the_same_address)
{
    start("");
    int udp = udp_open("127.0.0.1");
    expect_answers(udp);
    upgrade(&server);
    expect_answers(udp);
    server_stop(&server);
}

Test(system_upgrade, the_answer_names_the_processes_the_version_and_the_time_without_service)
{
    start("");
    pid_t before = server.process.pid;
    const char *text = ctl_ok(&server, "upgrade", NULL);
    pid_t after = (pid_t)json_integer(ctl_ok(&server, "status", "--json", NULL), "pid");
    expect(after != before, "expected another process than %d", (int)before);
    harness_contains("the answer", text,
                     harness_format("upgraded: process %d (udpsrv ", (int)after));
    harness_contains("the answer", text,
                     harness_format(") serves in place of %d, after ", (int)before));
    harness_contains("the answer", text, " ms without service\n");
    upgrade_follow(&server);
    server_stop(&server);
}

Test(system_upgrade, several_workers_are_started_again_in_the_new_process)
{
    start("[server]\nworkers = 3\n");
    upgrade(&server);
    for (int i = 0; i < 20; i++) { /* for each worker */
        int udp = udp_open("127.0.0.1");
        expect_answers(udp);
        close(udp);
    }
    harness_equal("the workers", json_integer(ctl_ok(&server, "status", "--json", NULL), "workers"),
                  3);
    server_stop(&server);
}

Test(system_upgrade, SIGUSR2_upgrades_the_server_and_the_log_says_so)
{
    start("");
    pid_t before = server.process.pid;
    process_kill(&server.process, SIGUSR2);
    upgrade_follow(&server);
    expect(server.process.pid != before, "expected another process");
    int udp = udp_open("127.0.0.1");
    expect_answers(udp);
    server_stop(&server);
}

Test(system_upgrade, the_uptime_goes_on)
{
    start("");
    while (json_integer(ctl_ok(&server, "status", "--json", NULL), "uptime_s") == 0)
        harness_wait_ms(50);
    upgrade(&server);
    expect(json_integer(ctl_ok(&server, "status", "--json", NULL), "uptime_s") > 0,
           "expected the uptime of the service");
    server_stop(&server);
}

Test(system_upgrade, the_ready_line_is_written_once)
{
    start("");
    upgrade(&server);
    ctl_ok(&server, "status", NULL);
    process_pump(&server.process, 0);
    harness_equal("ready lines", (int64_t)text_count(server.process.texts[0].data, "ready"), 1);
    server_stop(&server);
}

Test(system_upgrade, the_new_process_reads_the_configuration_again)
{
    start("[clients]\nttl = 60s\n");
    server_configure(&server, "[clients]\nttl = 30s\n[broadcast]\nqueue = 7\n");
    upgrade(&server);
    const char *config = ctl_ok(&server, "config", NULL);
    harness_contains("the configuration", config, "queue = 7");
    harness_contains("the configuration", config, "ttl = 30s");
    server_stop(&server);
}

Test(system_upgrade, a_program_that_was_replaced_is_started_by_its_path)
{
    const char *path = upgrade_install();
    struct stat before, after;
    server_start(&server, NULL, "-l", restart_address(), NULL);
    expect(stat(path, &before) == 0, "expected %s", path);
    upgrade_restore();
    upgrade(&server);
    const char *running = harness_format("/proc/%d/exe", (int)server.process.pid);
    expect(stat(path, &before) == 0 && stat(running, &after) == 0 && before.st_ino == after.st_ino,
           "expected that the new file runs");
    server_stop(&server);
}

/* Fifty in a row; the first one may open and close what later ones do not. */
Test(system_upgrade, fifty_upgrades_in_a_row_leave_no_descriptor_and_no_process_behind,
     .timeout = 120)
{
    int most = harness_sanitized() ? 5 : 50;
    start("[server]\nworkers = 2\n");
    int udp = udp_open("127.0.0.1");
    upgrade(&server);
    int files = server_files(&server);
    for (int i = 1; i < most; i++) {
        upgrade(&server);
        expect_answers(udp);
    }
    /* The session of the first one may have been counted; each upgrade that left one would add it.
     */
    server_await_files(&server, files);
    upgrade_await_no_child(&server);
    server_stop(&server);
}

Test(system_upgrade, sessions_of_operators_end_with_what_was_written_to_them)
{
    start("");
    int idle = control_client_open(&server), busy = control_client_open(&server);
    operator_send(busy, "stats\n", 6);
    expect(operator_answer(busy) != NULL, "expected an answer");
    upgrade(&server);
    operator_expect_end(idle);
    operator_expect_end(busy);
    server_stop(&server);
}

Test(system_upgrade, an_operator_that_listens_is_disconnected)
{
    struct process listener;
    start("");
    process_start(&listener, NULL, (const char *[]){"udpctl", "-s", server.socket, "events", NULL});
    while (listener.texts[0].size == 0) { /* before the subscription, joins are no events */
        udp_send_from_new_client(&server.at[0]);
        process_pump(&listener, 50);
    }
    upgrade(&server);
    expect(process_wait(&listener) == 1, "expected status 1, not %d", listener.status);
    server_stop(&server);
}

Test(system_upgrade, a_server_that_has_given_up_root_is_upgraded)
{
    if (geteuid() != 0)
        cr_skip_test("only root can become another user");
    harness_disable_leak_check();
    server.owner = 65534;
    start("[server]\nuser = nobody\n");
    upgrade(&server);
    upgrade(&server);
    int udp = udp_open("127.0.0.1");
    expect_answers(udp);
    server_stop(&server);
}

Test(system_upgrade, the_environment_of_the_new_process_does_not_name_the_channel)
{
    char text[8192];
    start("");
    upgrade(&server);
    upgrade(&server);
    FILE *file = fopen(harness_format("/proc/%d/environ", (int)server.process.pid), "re");
    expect(file != NULL, "expected the environment");
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    size_t named = 0;
    for (size_t at = 0; at < size; at += strlen(text + at) + 1)
        named += strncmp(text + at, "UDPSRV_UPGRADE=", 15) == 0;
    harness_equal("names of the channel, as the kernel has kept them", (int64_t)named, 1);
    server_stop(&server);
}

Test(system_upgrade, a_server_whose_program_is_a_symbolic_link_follows_it_anew)
{
    const char *path = upgrade_install(), *first = harness_path("programs/first"),
               *second = harness_path("programs/second");
    char target[512];
    expect(rename(path, first) == 0 && symlink("first", path) == 0, "expected a link");
    server_start(&server, NULL, "-l", restart_address(), NULL);
    expect(link(first, second) == 0 && unlink(path) == 0 && symlink("second", path) == 0,
           "expected another link");
    upgrade(&server);
    ssize_t size = readlink(harness_format("/proc/%d/exe", (int)server.process.pid), target,
                            sizeof target - 1);
    target[size > 0 ? size : 0] = '\0';
    expect(strcmp(target, second) == 0, "expected %s to run, not %s", second, target);
    server_stop(&server);
}
