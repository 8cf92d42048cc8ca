/* Upgrades that fail: the old process goes on, and says why. */

#include "restart.h"
#include "upgrade.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(system_upgrade_failures, .fini = harness_end, .timeout = 60);

static const char CONFIG[] = "[reply]\nmessage = yes\n[server]\nworkers = 2\n";

static const char CONFIG_OF_GAMES[] =
    "[reply]\nmessage = yes\n[server]\nworkers = 2\nuser = games\n";

static struct server server;
static const char *program;

static void start(void)
{
    program = upgrade_install();
    server_start(&server, CONFIG, "-l", restart_address(), NULL);
}

/* After a failure, the next upgrade succeeds. */
static void finish(void)
{
    upgrade_restore();
    upgrade(&server);
    server_stop(&server);
}

static void expect_failure_of(const char *script, const char *text)
{
    start();
    upgrade_put_script(script);
    upgrade_expect_failure(&server, text);
    finish();
}

/* ---- programs that do not start ---- */

Test(system_upgrade_failures, a_program_that_is_missing)
{
    start();
    upgrade_remove();
    upgrade_expect_failure(&server, "programs/udpsrv No such file or directory");
    finish();
}

Test(system_upgrade_failures, a_program_that_is_not_executable)
{
    start();
    expect(chmod(program, 0644) == 0, "expected another mode");
    upgrade_expect_failure(&server, "cannot start the new program: Permission denied");
    finish();
}

Test(system_upgrade_failures, a_file_that_is_no_program)
{
    start();
    expect(rename(harness_write_file("text", "no program\n", 0755), program) == 0,
           "expected a file");
    upgrade_expect_failure(&server, "cannot start the new program: Exec format error");
    finish();
}

Test(system_upgrade_failures, a_program_that_exits_at_once)
{
    expect_failure_of("exit 3", "the new program was not ready: it ended with exit status 3");
}

Test(system_upgrade_failures, a_program_that_crashes)
{
    expect_failure_of("kill -SEGV $$", "the new program was not ready: it was ended by signal 11");
}

Test(system_upgrade_failures, a_program_that_hangs_has_ten_seconds)
{
    start();
    upgrade_put_script("exec sleep 100");
    int64_t begun_ms = harness_now_ms();
    upgrade_expect_failure(&server, "the new program was not ready within 10 s");
    int64_t ms = harness_now_ms() - begun_ms;
    expect(ms >= 10000 && ms < 15000, "expected 10 s, not %d ms", (int)ms);
    finish();
}

Test(system_upgrade_failures, a_program_that_closes_the_channel_and_goes_on_has_ten_seconds)
{
    start();
    upgrade_put_script("eval \"exec $UDPSRV_UPGRADE>&- 8>&- 9>&-\"; exec sleep 100");
    upgrade_expect_failure(&server, "the new program was not ready within 10 s");
    finish();
}

/* ---- the real program, which cannot start ---- */

Test(system_upgrade_failures, a_configuration_with_an_error)
{
    start();
    server_configure(&server, "[server]\nworkers = 2\nfrobnicate = 1\n");
    upgrade_expect_failure(&server, "udpsrv.conf:3:1: ");
    server_configure(&server, CONFIG);
    finish();
}

Test(system_upgrade_failures, a_configuration_that_is_missing)
{
    start();
    expect(unlink(server.config) == 0, "expected a file");
    upgrade_expect_failure(&server, "udpsrv.conf");
    server_configure(&server, CONFIG);
    finish();
}

Test(system_upgrade_failures, a_start_that_fails_says_what_its_log_says)
{
    start();
    server_configure(&server, "[server]\nworkers = 2\nuser = nosuchuser\n");
    upgrade_expect_failure(&server, "cannot find server.user on=nosuchuser");
    server_configure(&server, CONFIG);
    finish();
}

/* Starts a server whose user has no other process, and of which limits on threads are known. */
static void start_as_games(void)
{
    if (geteuid() != 0)
        cr_skip_test("only root can become another user");
    struct result id = run(NULL, "id", "-u", "games", NULL);
    if (id.status != 0)
        cr_skip_test("there is no user games");
    harness_disable_leak_check();
    server.owner = (uid_t)atoi(id.out);
    program = upgrade_install();
    server_start(&server, CONFIG_OF_GAMES, "-l", restart_address(), NULL);
}

/* Of both processes, seven threads may run: those of the old one and of the log, and one worker.
 * A sanitizer may have one of its own, and then none is left for the log. */
Test(system_upgrade_failures, a_program_that_cannot_make_the_threads_of_its_workers)
{
    start_as_games();
    upgrade_put_script("prlimit --pid $$ --nproc=7; exec $program \"$@\"");
    upgrade_expect_failure(&server,
                           harness_sanitized() ? "on=thread" : "cannot start a worker on=thread");
    finish();
}

Test(system_upgrade_failures, a_server_that_may_make_no_thread_any_more_goes_on)
{
    start_as_games();
    upgrade_put_script("prlimit --pid $PPID --nproc=1; await PACKAGE; send READY 1; await PACKAGE; "
                       "send FAILED 'no paper'; exit 1");
    upgrade_expect_failure(&server, "no paper");
    server_stop(&server);
}

Test(system_upgrade_failures, a_server_that_may_write_no_file_of_that_size)
{
    start();
    const char *pid = harness_format("%d", (int)server.process.pid);
    run(NULL, "prlimit", "--pid", pid, "--fsize=10:", NULL);
    upgrade_expect_failure(&server, "File too large");
    run(NULL, "prlimit", "--pid", pid, "--fsize=unlimited:", NULL);
    finish();
}

/* ---- wrappers ---- */

Test(system_upgrade_failures, a_wrapper_that_starts_the_program_as_another_process)
{
    expect_failure_of("$program \"$@\"; exit $?",
                      "a wrapper has to replace itself by the program (exec)");
}

Test(system_upgrade_failures, a_wrapper_that_replaces_itself_by_the_program_is_none)
{
    start();
    upgrade_put_script("exec $program \"$@\"");
    upgrade(&server);
    finish();
}

/* ---- programs that end while they take over ---- */

Test(system_upgrade_failures, a_program_that_is_killed_when_it_is_ready)
{
    expect_failure_of("send READY 1; kill -KILL $$",
                      "the new program ended while it took over: it was ended by signal 9");
}

Test(system_upgrade_failures, a_program_that_is_killed_when_it_has_got_everything)
{
    expect_failure_of("await PACKAGE; send READY 1; await PACKAGE; kill -KILL $$",
                      "the new program ended while it took over: it was ended by signal 9");
}

Test(system_upgrade_failures, a_program_that_is_killed_when_it_has_started)
{
    expect_failure_of("await PACKAGE; send READY 1; await PACKAGE; send STARTED; kill -KILL $$",
                      "the new program ended while it took over: it was ended by signal 9");
}

Test(system_upgrade_failures, a_program_that_is_killed_when_it_has_to_serve)
{
    expect_failure_of(
        "await PACKAGE; send READY 1; await PACKAGE; send STARTED; await GO; kill -KILL $$",
        "the new program ended while it took over: it was ended by signal 9");
}

Test(system_upgrade_failures, a_program_that_cannot_read_what_it_gets_says_why)
{
    expect_failure_of("await PACKAGE; send READY 1; await PACKAGE; send FAILED 'no paper'; exit 1",
                      "no paper");
}

Test(system_upgrade_failures, a_program_that_hangs_when_it_is_ready_has_two_seconds)
{
    start();
    upgrade_put_script("send READY 1; exec sleep 100");
    int64_t begun_ms = harness_now_ms();
    upgrade_expect_failure(&server, "the new program did not take over in time");
    int64_t ms = harness_now_ms() - begun_ms;
    expect(ms >= 2000 && ms < 7000, "expected 2 s, not %d ms", (int)ms);
    finish();
}

Test(system_upgrade_failures, a_program_that_hangs_when_it_has_to_serve_is_killed)
{
    expect_failure_of(
        "await PACKAGE; send READY 1; await PACKAGE; send STARTED; await GO; exec sleep 100",
        "the new program did not take over in time");
}

Test(system_upgrade_failures, a_program_that_answers_something_else)
{
    expect_failure_of("send GO; exec sleep 100", "the new program answers something else");
}

Test(system_upgrade_failures, a_program_that_sends_what_is_no_message)
{
    expect_failure_of("printf hello >&8; exec sleep 100", "cannot read what the new program says");
}

/* Nobody serves then: this is the one failure that is not the old process's to survive. */
Test(system_upgrade_failures, a_program_that_ends_after_it_has_taken_over)
{
    start();
    upgrade_put_script("await PACKAGE; send READY 1; await PACKAGE; send STARTED; await GO; send "
                       "TAKEN; exit 3");
    upgrade_expect_refusal(&server, "the new program ended after it had taken over; start udpsrv "
                                    "again");
    expect(process_wait(&server.process) == 1, "expected status 1");
    harness_contains("the log", server_log(&server), "start udpsrv again");
}

Test(system_upgrade_failures,
     a_program_that_runs_after_it_has_taken_over_serves_also_without_a_word)
{
    start();
    upgrade_put_script("await PACKAGE; send READY 1; await PACKAGE; send STARTED; await GO; send "
                       "TAKEN; exec sleep 100");
    upgrade(&server);
    process_kill(&server.process, SIGKILL);
    process_wait(&server.process);
}

/* ---- refused ---- */

Test(system_upgrade_failures, a_program_that_others_may_write)
{
    start();
    expect(chmod(program, 0757) == 0, "expected another mode");
    upgrade_expect_failure(&server, harness_format("%s can be written by all users", program));
    finish();
}

Test(system_upgrade_failures, a_program_in_a_directory_that_its_group_may_write)
{
    start();
    expect(chmod(harness_path("programs"), 0775) == 0, "expected another mode");
    upgrade_expect_failure(&server, harness_format("%s can be written by the users of its group",
                                                   harness_path("programs")));
    expect(chmod(harness_path("programs"), 0755) == 0, "expected another mode");
    finish();
}

Test(system_upgrade_failures, a_second_upgrade_while_one_runs)
{
    struct process first;
    start();
    upgrade_put_script("exec sleep 100");
    process_start(&first, NULL, (const char *[]){"udpctl", "-s", server.socket, "upgrade", NULL});
    server_await_log(&server, "name=upgrade");
    upgrade_expect_refusal(&server, "another upgrade is running");
    struct result reload = ctl(&server, "reload", NULL);
    harness_contains("a reload", reload.err, "an upgrade is running");
    process_kill(&first, SIGKILL);
    process_wait(&first);
    server_stop(&server);
}

/* The process that serves after the upgrade reloads. The program ends when a file is there. */
Test(system_upgrade_failures, a_reload_by_a_signal_waits_for_the_end_of_the_upgrade)
{
    struct process upgrade;
    start();
    const char *go = harness_path("go");
    upgrade_put_script(harness_format("while [ ! -e %s ]; do sleep 0.01; done; exit 3", go));
    process_start(&upgrade, NULL, (const char *[]){"udpctl", "-s", server.socket, "upgrade", NULL});
    server_await_log(&server, "name=upgrade");
    server_configure(&server, "[reply]\nmessage = other\n[server]\nworkers = 2\n");
    process_kill(&server.process, SIGHUP);
    struct result reload = ctl(&server, "reload", NULL); /* after the signal */
    harness_contains("a reload", reload.err, "an upgrade is running");
    harness_write_file("go", "", 0644);
    process_wait(&upgrade);
    server_await_log(&server, "info reloaded");
    harness_contains("the new message", ctl_ok(&server, "config", NULL), "message = other");
    finish();
}

Test(system_upgrade_failures, a_server_that_is_stopped_ends_the_upgrade)
{
    struct process first;
    start();
    upgrade_put_script("exec sleep 100");
    process_start(&first, NULL, (const char *[]){"udpctl", "-s", server.socket, "upgrade", NULL});
    server_await_log(&server, "name=upgrade");
    server_stop(&server);
    expect(process_wait(&first) == 1, "expected status 1, not %d", first.status);
    harness_contains("the reason", first.texts[1].data, "the server is stopping");
}

Test(system_upgrade_failures, process_1_is_not_upgraded)
{
    static const char *const wrapper[] = {"unshare", "--pid", "--fork", "--kill-child", NULL};
    if (run(NULL, "unshare", "--pid", "--fork", "true", NULL).status != 0)
        cr_skip_test("a new PID namespace is not permitted");
    program = upgrade_install();
    server.wrapper = wrapper;
    server_start(&server, NULL, "-l", restart_address(), NULL);
    upgrade_expect_refusal(&server, "it is process 1");
    ctl_ok(&server, "stop", NULL);
    expect(process_wait(&server.process) == 0, "expected an orderly end");
}

Test(system_upgrade_failures, the_failure_in_JSON)
{
    start();
    upgrade_put_script("exit 3");
    struct result result = ctl(&server, "upgrade", "--json", NULL);
    harness_equal("the status", result.status, 1);
    harness_contains("the answer", result.out, "{\"upgraded\":false,\"reason\":\"");
    harness_contains("the answer", result.out, "exit status 3");
    finish();
}

Test(system_upgrade_failures, the_log_has_the_reason_too)
{
    start();
    upgrade_put_script("exit 3");
    process_kill(&server.process, SIGUSR2);
    const char *line = server_await_log(&server, "cannot upgrade: this process goes on");
    harness_contains("the line", line, "exit status 3");
    finish();
}

Test(system_upgrade_failures, a_variable_that_names_no_channel_is_an_error_of_the_start)
{
    struct result result =
        run(NULL, "env", "UDPSRV_UPGRADE=1", program_path("udpsrv"), "-l", "127.0.0.1:0", NULL);
    harness_equal("the status", result.status, 1);
    harness_contains("the message", result.err, "UDPSRV_UPGRADE");
}
