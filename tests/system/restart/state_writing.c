/* When the state file is written, and what happens if it cannot be: errors, a disk that does not
 * answer, a second server. */

#include "restart.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

TestSuite(system_state_writing, .init = restart_isolate, .fini = harness_end, .timeout = 60);

#define BASE "[reply]\nmessage = yes\n[clients]\nttl = 60s\n"

static struct restart restart;

static int join(void)
{
    int udp = udp_open("127.0.0.1");
    udp_ask(udp, &restart.server.at[0], "hi", "yes");
    return udp;
}

/* Starts a server that has a client, and stops it. */
static void make_file(void)
{
    restart_begin(&restart, BASE, restart_address(), NULL);
    join();
    server_stop(&restart.server);
}

Test(system_state_writing, that_cannot_be_written_are_reported_once_and_the_server_serves_on)
{
    const char *directory = harness_path("made-later");
    restart_prepare(&restart, restart_address());
    restart.state = harness_format("%s/state", directory);
    restart_again(&restart, BASE);
    const char *line = server_await_log(&restart.server, "cannot write the state file");
    harness_contains("the line", line, "reason=\"No such file or directory\"");
    harness_contains("the line", line, restart.state);
    join();
    server_stop(&restart.server); /* which tries it a last time */
    line = server_await_log(&restart.server, "cannot write the state file");
    harness_contains("the line", line, "the next start takes the old file");
    harness_equal("warnings", (int64_t)text_count(server_log(&restart.server), " warning "), 2);
    restart_again(&restart, BASE);
    server_await_log(&restart.server, "cannot write the state file");
    expect(mkdir(directory, 0700) == 0, "expected to make a directory");
    server_await_log(&restart.server, "the state file is written again");
    restart_await_snapshot(&restart, 0);
    server_stop(&restart.server);
}

static const char *draft(void)
{
    return harness_format("%s.new", restart.state);
}

Test(system_state_writing, replace_a_new_file_that_a_crash_has_left)
{
    make_file();
    harness_write_file("state.new", "left", 0644);
    restart_again(&restart, BASE);
    harness_equal("clients", server_stat(&restart.server, "clients"), 1);
    restart_await_snapshot(&restart, restart_snapshot(&restart));
    server_stop(&restart.server);
    expect(access(draft(), F_OK) != 0, "expected no %s", draft());
    restart_again(&restart, BASE);
    harness_equal("clients", server_stat(&restart.server, "clients"), 1);
    server_stop(&restart.server);
}

Test(system_state_writing, that_cannot_be_written_at_the_stop_are_those_of_the_last_interval)
{
    restart_begin(&restart, BASE, restart_address(), NULL);
    join();
    restart_await_snapshot(&restart, restart_await_snapshot(&restart, 0));
    while (mkdir(draft(), 0700) != 0) /* a snapshot is being written */
        harness_wait_ms(1);
    join();
    server_stop(&restart.server);
    restart.server.log_read = 0;
    const char *line = NULL;
    while (line == NULL || strstr(line, "the next start takes the old file") == NULL)
        line = server_await_log(&restart.server, "cannot write the state file");
    harness_contains("the line", line, "reason=\"Is a directory\"");
    expect(rmdir(draft()) == 0, "expected the directory to stay");
    restart_again(&restart, BASE);
    harness_equal("clients", server_stat(&restart.server, "clients"), 1);
    server_stop(&restart.server);
}

enum { NO_FILTER = 99 };

/* A disk that does not answer, simulated by a filter of system calls: fsync waits until a process
 * decides about it, which none does. */
static void hang_fsync(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_fsync, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    int listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (listener < 0)
        _exit(NO_FILTER);
    fcntl(listener, F_SETFD, 0); /* the server has it, too, and does not read it */
}

static void skip_without_filters(void)
{
    static const char *const argv[] = {"true", NULL};
    struct process process;
    process_start(&process, hang_fsync, argv);
    if (process_wait(&process) == NO_FILTER)
        cr_skip_test("this kernel has no filters that wait");
}

Test(system_state_writing, do_not_prevent_a_second_signal_from_ending_the_server)
{
    enum { SAME_SIGNAL_MS = 100 };
    skip_without_filters();
    restart_prepare(&restart, restart_address());
    restart.prepare = hang_fsync;
    restart_again(&restart, BASE);
    int udp = join();
    while (access(draft(), F_OK) != 0) /* it waits in the thread of the file */
        harness_wait_ms(1);
    udp_ask(udp, &restart.server.at[0], "hi", "yes");
    process_kill(&restart.server.process, SIGTERM);
    while (process_pump(&restart.server.process, 10 * SAME_SIGNAL_MS))
        continue;
    expect(restart.server.process.pidfd >= 0, "expected it to wait for the disk");
    process_kill(&restart.server.process, SIGTERM);
    harness_equal("the status", process_wait(&restart.server.process), 1);
    harness_contains("the log", server_log(&restart.server), "a second signal");
    expect(access(restart.server.socket, F_OK) != 0, "expected no socket file after the end");
    restart.prepare = NULL;
    restart_again(&restart, BASE);
    harness_equal("clients", server_stat(&restart.server, "clients"), 0);
    server_stop(&restart.server);
}

/* ---- the lock ---- */

Test(system_state_writing, of_a_running_server_are_not_used_by_a_second_one)
{
    restart_begin(&restart, BASE, restart_address(), NULL);
    join();
    restart_await_snapshot(&restart, restart_await_snapshot(&restart, 0));
    struct server second = {.socket = harness_path("second")};
    const char *config =
        harness_format("[server]\nlisten = 127.0.0.1:0\n[state]\nfile = %s\n" BASE, restart.state);
    struct result result = server_try(&second, config, NULL);
    harness_equal("the status", result.status, 1);
    harness_contains("the log", result.err,
                     harness_format("cannot use the state file file=%s reason=\"another server "
                                    "has it\"",
                                    restart.state));
    expect(access(second.socket, F_OK) != 0, "expected no socket of the second one");
    harness_equal("clients", server_stat(&restart.server, "clients"), 1);
    restart_await_snapshot(&restart, restart_snapshot(&restart));
    server_kill(&restart.server); /* which ends the lock, too */
    restart_again(&restart, BASE);
    harness_equal("clients", server_stat(&restart.server, "clients"), 1);
    server_stop(&restart.server);
}

/* ---- when they are written ---- */

static const char *config_with_interval(const char *interval)
{
    return harness_format("[server]\nlisten = %s\n[state]\nfile = %s\ninterval = %s\n" BASE,
                          restart.listen[0], restart.state, interval);
}

Test(system_state_writing, are_written_each_interval_which_a_reload_changes)
{
    restart_begin(&restart, BASE, restart_address(), NULL);
    uint64_t first = restart_await_snapshot(&restart, 0);
    restart_await_snapshot(&restart, first);
    server_stop(&restart.server);
    unlink(restart.state);
    restart.server = (struct server){.dir = restart.server.dir};
    server_start(&restart.server, config_with_interval("1d"), NULL);
    join();
    expect(restart_snapshot(&restart) == 0, "expected no file before the first interval");
    server_configure(&restart.server, config_with_interval("1s"));
    ctl_ok(&restart.server, "reload", NULL);
    restart_await_snapshot(&restart, 0);
    server_kill(&restart.server);
    restart_again(&restart, BASE);
    harness_equal("clients", server_stat(&restart.server, "clients"), 1);
    server_stop(&restart.server);
}

Test(system_state_writing, stay_after_a_start_until_the_first_interval)
{
    make_file();
    uint64_t snapshot = restart_snapshot(&restart);
    for (int i = 0; i < 2; i++) {
        restart.server = (struct server){.dir = restart.server.dir};
        server_start(&restart.server, config_with_interval("1d"), NULL);
        harness_equal("clients", server_stat(&restart.server, "clients"), 1);
        server_kill(&restart.server);
        expect(restart_snapshot(&restart) == snapshot, "expected the file to stay");
    }
}

Test(system_state_writing, are_not_written_by_a_start_that_fails)
{
    make_file();
    uint64_t snapshot = restart_snapshot(&restart);
    struct server other = {.socket = harness_path("other")};
    int taken = udp_open(restart.listen[0]);
    struct result result = server_try(&other,
                                      harness_format("[server]\nlisten = %s\n[state]\nfile = %s\n",
                                                     restart.listen[0], restart.state),
                                      NULL);
    expect(result.status != 0, "expected the start to fail");
    expect(restart_snapshot(&restart) == snapshot, "expected the file to stay");
    close(taken);
    restart_again(&restart, BASE);
    harness_equal("clients", server_stat(&restart.server, "clients"), 1);
    server_stop(&restart.server);
}
