/* Signals: SIGHUP and SIGTERM during the start, a signal that is sent twice, and a second signal
 * that ends the server at once. */

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

/* Returns the id of the thread with that name, or 0. */
static pid_t find_thread(const struct server *server, const char *name)
{
    const char *script =
        harness_format("cd /proc/%d/task && grep -lx '%s' */comm", (int)server->process.pid, name);

    return (pid_t)strtol(run(NULL, "sh", "-c", script, NULL).out, NULL, 10);
}

/* Stops one thread, so that the server's stop waits for it. Skips the test without permission. */
static void stop_thread(pid_t thread)
{
    if (ptrace(PTRACE_SEIZE, thread, 0, 0) != 0)
        cr_skip_test("a thread cannot be stopped here");
    cr_assert_eq(ptrace(PTRACE_INTERRUPT, thread, 0, 0), 0);
    cr_assert_eq(waitpid(thread, NULL, __WALL), thread);
}

Test(system_signals, a_second_signal_ends_the_server_at_once)
{
    enum { SAME_SIGNAL_MS = 100 };
    struct server server = {0};

    const char *chat = harness_path("chat");
    server_start(&server, NULL, "-l", "127.0.0.1:0", "-l", harness_format("unix:%s", chat), NULL);
    pid_t worker = find_thread(&server, "worker-0");
    expect(worker > 0, "expected a thread of that name");
    stop_thread(worker);
    process_kill(&server.process, SIGTERM);
    server_await_signal(&server);
    harness_wait_ms(2 * SAME_SIGNAL_MS);
    process_kill(&server.process, SIGINT);
    /* The tracer must first wait for the thread that it stopped. */
    cr_assert_eq(waitpid(worker, NULL, __WALL), worker);
    harness_equal("the status", process_wait(&server.process), 1);
    harness_contains("the log", server_log(&server), "reason=\"a second signal\"");
    expect(access(server.socket, F_OK) != 0, "expected no socket after the end");
    expect(access(chat, F_OK) != 0, "expected no file of a listener after the end");
}

/* Sends a signal while the start waits for the lock of its second Unix socket, which this process
 * holds. */
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
    for (int64_t start = harness_now_ms(); access(first, F_OK) != 0; harness_wait_ms(1))
        expect(harness_now_ms() - start < HARNESS_DEADLINE_MS, "expected %s", first);
    process_kill(&process, signal);
    cr_assert_eq(unlink(path), 0);
    close(lock);
    harness_equal("the status", process_wait(&process), 0);
    expect(access(first, F_OK) != 0 && access(second, F_OK) != 0,
           "expected no file of a listener after the end");
}

Test(system_signals, a_signal_during_the_start_leaves_no_socket_file)
{
    end_during_start(SIGTERM);
    end_during_start(SIGINT);
}

/* timeout(1) sends a signal to its child and then to its process group, which contains the child.
 */
Test(system_signals, two_signals_at_once_count_as_one)
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

/* Returns a configuration that takes some time to parse. */
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

/* Returns how many bytes a process has read, or 0 if it has ended. */
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

Test(system_signals, sighup_during_the_start_reloads_after_it)
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
    /* After it has read the file, parsing takes some tens of milliseconds. */
    while (bytes_read(server.process.pid) < (int64_t)strlen(config))
        expect(harness_now_ms() - started < HARNESS_DEADLINE_MS, "expected it to read its file");
    process_kill(&server.process, SIGHUP);
    process_await_text(&server.process, "udpsrv: ready ");
    server_await_log(&server, " reloaded");
    process_kill(&server.process, SIGTERM);
    harness_equal("the status", process_wait(&server.process), 0);
}
