/* What signals do: SIGHUP while it starts, one that is sent twice, and a second one. */

#include "harness.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(system_signals, .fini = harness_end, .timeout = 60);

/* The thread of that name, or 0. */
static pid_t find_thread(const struct server *server, const char *name)
{
    const char *script =
        harness_format("cd /proc/%d/task && grep -lx '%s' */comm", (int)server->process.pid, name);

    return (pid_t)strtol(run(NULL, "sh", "-c", script, NULL).out, NULL, 10);
}

/* Holds one thread, so that the server's stop waits for it. Skips the test where nobody may. */
static void hold_thread(pid_t thread)
{
    if (ptrace(PTRACE_SEIZE, thread, 0, 0) != 0)
        cr_skip_test("a thread can't be held here");
    cr_assert_eq(ptrace(PTRACE_INTERRUPT, thread, 0, 0), 0);
    cr_assert_eq(waitpid(thread, NULL, __WALL), thread);
}

Test(system_signals, ends_at_once_on_a_second_signal)
{
    enum { SAME_SIGNAL_MS = 100 };
    struct server server = {0};
    int64_t started;

    const char *chat = harness_path("chat");
    server_start(&server, NULL, "-l", "127.0.0.1:0", "-l", harness_format("unix:%s", chat), NULL);
    pid_t worker = find_thread(&server, "worker-0");
    expect(worker > 0, "expected a thread of that name");
    hold_thread(worker);
    process_kill(&server.process, SIGTERM);
    harness_tick(2 * SAME_SIGNAL_MS);
    started = harness_now_ms();
    process_kill(&server.process, SIGINT);
    /* Its end is first for who holds it. */
    cr_assert_eq(waitpid(worker, NULL, __WALL), worker);
    harness_equal("the status", process_wait(&server.process), 1);
    expect(harness_now_ms() - started < 500, "expected it to end at once, it took %lld ms",
           (long long)(harness_now_ms() - started));
    harness_contains("the log", server_log(&server), "reason=\"a second signal\"");
    expect(access(server.socket, F_OK) != 0, "expected no socket after the end");
    expect(access(chat, F_OK) != 0, "expected no file of a listener after the end");
}

/* While it waits for its turn at the second of two Unix sockets, whose lock another process has. */
static void end_during_start(int signal)
{
    const char *first = harness_path("first"), *second = harness_path("second");
    const char *path = harness_path("second.lock");
    struct process process;
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_eq(flock(lock, LOCK_EX), 0);
    process_start(&process, NULL,
                  (const char *const[]){
                      "udpsrv", "-l", "127.0.0.1:0", "-l", harness_format("unix:%s", first), "-l",
                      harness_format("unix:%s", second), "-s", harness_path("operators"), NULL});
    for (int64_t start = harness_now_ms(); access(first, F_OK) != 0; harness_tick(1))
        expect(harness_now_ms() - start < HARNESS_DEADLINE_MS, "expected %s", first);
    process_kill(&process, signal);
    cr_assert_eq(unlink(path), 0);
    close(lock);
    harness_equal("the status", process_wait(&process), 0);
    expect(access(first, F_OK) != 0 && access(second, F_OK) != 0,
           "expected no file of a listener after the end");
}

Test(system_signals, end_a_start_that_has_begun_to_listen_without_a_trace)
{
    end_during_start(SIGTERM);
    end_during_start(SIGINT);
}

/* timeout(1) signals its child and then its group, which the child is in, too. */
Test(system_signals, takes_two_signals_at_once_for_one)
{
    struct server server = {0};

    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    process_kill(&server.process, SIGSTOP);
    process_kill(&server.process, SIGTERM);
    process_kill(&server.process, SIGINT);
    process_kill(&server.process, SIGCONT);
    harness_equal("the status", process_wait(&server.process), 0);
    harness_contains("the log", server_log(&server), " stopped received=");
}

/* A configuration that takes a while to be read. */
static const char *long_configuration(void)
{
    enum { RULES = 60000, RULE_BYTES = 32 };
    size_t size = 0, room = (size_t)RULES * RULE_BYTES;
    char *text = malloc(room);

    cr_assert_not_null(text);
    size += (size_t)snprintf(text, room, "[admission]\npolicy = open\n");
    for (int i = 0; i < RULES; i++)
        size += (size_t)snprintf(text + size, room - size, "allow = %d.%d.%d.0/25\n", 1 + i / 50000,
                                 i / 200 % 250, i % 200);
    return text;
}

/* How many bytes a process has read; 0 where that is not known any more. */
static int64_t bytes_read(pid_t pid)
{
    long long bytes = 0;
    FILE *file = fopen(harness_format("/proc/%d/io", (int)pid), "re");

    if (file != NULL && fscanf(file, "rchar: %lld", &bytes) != 1)
        bytes = 0;
    if (file != NULL)
        fclose(file);
    return bytes;
}

Test(system_signals, reloads_after_the_start_when_sighup_comes_during_it)
{
    struct server server = {.socket = harness_path("sock")};
    const char *config = long_configuration(), *path = harness_path("long.conf");
    int64_t started = harness_now_ms();
    FILE *file = fopen(path, "we");

    cr_assert_not_null(file);
    fputs(config, file);
    cr_assert_eq(fclose(file), 0);
    process_start(&server.process, NULL,
                  (const char *const[]){"udpsrv", "-c", path, "-l", "127.0.0.1:0", "-s",
                                        server.socket, NULL});
    /* It has read the file: what it makes of it takes some ten milliseconds. */
    while (bytes_read(server.process.pid) < (int64_t)strlen(config))
        expect(harness_now_ms() - started < HARNESS_DEADLINE_MS, "expected it to read its file");
    process_kill(&server.process, SIGHUP);
    process_await_text(&server.process, "udpsrv: ready ");
    server_await_log(&server, " reloaded");
    process_kill(&server.process, SIGTERM);
    harness_equal("the status", process_wait(&server.process), 0);
}
