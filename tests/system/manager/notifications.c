/* Notifications to a service manager (sd_notify(3)), and the watchdog. */

#include "stand_in_manager.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

TestSuite(system_notifications, .fini = harness_end, .timeout = 60);

static struct server server = {.prepare = manager_prepare};

static uint64_t monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void expect_life(enum manager_address kind)
{
    manager_open(kind);
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    const char *ready = manager_await("READY=1");
    harness_contains("the status", ready,
                     harness_format("\nSTATUS=0 clients at %s", endpoint_text(&server.at[0])));
    server_stop(&server);
    harness_contains("the end", manager_await("STOPPING=1"), "STATUS=stopping");
}

Test(system_notifications, a_manager_at_a_path_gets_the_start_and_the_end)
{
    expect_life(MANAGER_PATH);
}

Test(system_notifications, a_manager_at_an_abstract_name_gets_the_start_and_the_end)
{
    expect_life(MANAGER_ABSTRACT);
}

static void expect_reload_since(uint64_t since_us)
{
    uint64_t at_us = 0;
    const char *text = manager_await("RELOADING=1");
    expect(sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%" SCNu64, &at_us) == 1,
           "expected a time in '%s'", text);
    expect(at_us >= since_us && at_us <= monotonic_us(), "expected the time of now");
}

Test(system_notifications, a_reload_is_between_reloading_and_ready)
{
    manager_open(MANAGER_PATH);
    server_start(&server, "[clients]\nttl = 60s\n", "-l", "127.0.0.1:0", NULL);
    manager_await("READY=1");
    uint64_t since_us = monotonic_us();
    process_kill(&server.process, SIGHUP);
    expect_reload_since(since_us);
    manager_await("READY=1");
    since_us = monotonic_us();
    ctl_ok(&server, "reload", NULL);
    expect_reload_since(since_us);
    manager_await("READY=1");
    server_configure(&server, "[clients]\nttl = x\n");
    process_kill(&server.process, SIGHUP);
    manager_await("RELOADING=1");
    harness_contains("the status", manager_await("READY=1"), "the last reload was refused");
    server_configure(&server, "[clients]\nttl = 30s\n");
    process_kill(&server.process, SIGHUP);
    manager_await("RELOADING=1");
    const char *ready = manager_await("READY=1");
    expect(strstr(ready, "STATUS=0 clients") != NULL && strstr(ready, "refused") == NULL,
           "expected a new status, not '%s'", ready);
    server_stop(&server);
}

Test(system_notifications, the_status_says_why_a_start_has_failed)
{
    int taken = udp_open("127.0.0.1");
    struct endpoint at = udp_name(taken);
    manager_open(MANAGER_PATH);
    harness_equal("the status", server_try(&server, NULL, "-l", endpoint_text(&at), NULL).status,
                  1);
    manager_await("STATUS=not started: opening the sockets: Address already in use; the log says "
                  "more");
    harness_equal("the status", server_try(&server, "nonsense\n", NULL).status, 78);
    manager_await("STATUS=not started: the configuration has errors");
}

Test(system_notifications, the_status_has_the_number_of_clients)
{
    manager_open(MANAGER_PATH);
    manager_set_watchdog_ms(100);
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    int udp = udp_open("127.0.0.1");
    udp_ask(udp, &server.at[0], "hi", "audi");
    manager_await("STATUS=1 client at 127.0.0.1:");
    server_stop(&server);
}

Test(system_notifications, a_manager_that_cannot_be_reached_is_logged_once_and_harms_nothing)
{
    manager_set_address("/nowhere/notify");
    manager_set_watchdog_ms(2);
    server_start(&server, "[clients]\nttl = 60s\n", "-l", "127.0.0.1:0", NULL);
    int udp = udp_open("127.0.0.1");
    udp_ask(udp, &server.at[0], "hi", "audi");
    ctl_ok(&server, "reload", NULL);
    server_stop(&server);
    harness_equal("warnings", (int64_t)text_count(server_log(&server), " warning "), 1);
    harness_contains("the log", server_log(&server),
                     "cannot notify the service manager socket=/nowhere/notify reason=\"No such "
                     "file or directory\"");
}

Test(system_notifications, a_manager_that_is_started_again_gets_what_follows)
{
    manager_open(MANAGER_PATH);
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    manager_await("READY=1");
    manager_open(MANAGER_PATH);
    ctl_ok(&server, "reload", NULL);
    manager_await("READY=1");
    server_stop(&server);
    manager_await("STOPPING=1");
}

Test(system_notifications, a_manager_that_does_not_read_delays_neither_service_nor_end)
{
    manager_open(MANAGER_PATH);
    manager_set_watchdog_ms(2);
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    int udp = udp_open("127.0.0.1");
    server_await_log(&server, "cannot notify the service manager");
    udp_ask(udp, &server.at[0], "hi", "audi");
    server_stop(&server);
}

Test(system_notifications, variables_that_cannot_be_read_are_a_warning)
{
    manager_set_address("vsock:2:1234");
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    server_await_log(&server,
                     "warning cannot understand the service manager variable=NOTIFY_SOCKET");
    server_stop(&server);
}

/* ---- the watchdog ---- */

enum { WATCHDOG_MS = 400 };

/* Returns the thread of the server with that name. */
static pid_t find_thread(const char *name)
{
    const char *tasks = harness_format("/proc/%d/task", (int)server.process.pid);
    DIR *directory = opendir(tasks);
    pid_t found = 0;
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        char comm[32] = "";
        FILE *file = fopen(harness_format("%s/%s/comm", tasks, entry->d_name), "re");
        /* The first one: ThreadSanitizer has a thread of its own, with the name of the program. */
        if (found == 0 && file != NULL && fgets(comm, sizeof comm, file) != NULL &&
            strcmp(comm, harness_format("%s\n", name)) == 0)
            found = atoi(entry->d_name);
        if (file != NULL)
            fclose(file);
    }
    if (directory != NULL)
        closedir(directory);
    expect(found > 0, "expected a thread %s", name);
    return found;
}

/* Stops one thread, as if it waited for something for ever. */
static void hang(pid_t thread)
{
    if (ptrace(PTRACE_SEIZE, thread, NULL, NULL) != 0)
        cr_skip_test("a thread of another process cannot be stopped here");
    expect(ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) == 0 &&
               waitpid(thread, NULL, __WALL) == thread,
           "expected to stop a thread: %s", strerror(errno));
}

static void go_on(pid_t thread)
{
    expect(ptrace(PTRACE_DETACH, thread, NULL, NULL) == 0, "expected to let it go on: %s",
           strerror(errno));
}

static void expect_watchdog_of(const char *name)
{
    manager_open(MANAGER_PATH);
    manager_set_watchdog_ms(WATCHDOG_MS);
    server_start(&server, "[server]\nworkers = 2\nlisten = 127.0.0.1:0\n", NULL);
    manager_await("WATCHDOG=1");
    manager_await("WATCHDOG=1");
    pid_t thread = find_thread(name);
    hang(thread);
    for (int sent_before = 0; manager_receives("WATCHDOG=1", 2 * WATCHDOG_MS); sent_before++)
        expect(sent_before < 10, "expected no sign of life while %s hangs", name);
    go_on(thread);
    manager_await("WATCHDOG=1");
    server_stop(&server);
}

Test(system_notifications, a_worker_that_hangs_ends_the_signs_of_life)
{
    expect_watchdog_of("worker-1");
}

Test(system_notifications, a_main_thread_that_hangs_ends_the_signs_of_life)
{
    expect_watchdog_of("udpsrv");
}

Test(system_notifications, signs_of_life_come_within_half_the_interval)
{
    manager_open(MANAGER_PATH);
    manager_set_watchdog_ms(WATCHDOG_MS);
    int64_t started_ms = harness_now_ms();
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    manager_await("WATCHDOG=1");
    int64_t first_ms = harness_now_ms(); /* or later than that */
    for (int i = 0; i < 4; i++)
        manager_await("WATCHDOG=1");
    int64_t last_ms = harness_now_ms();
    expect(last_ms - started_ms >= 2 * WATCHDOG_MS &&
               (harness_sanitized() || last_ms - first_ms < 4 * WATCHDOG_MS),
           "expected four in %d ms, not in %" PRId64, 2 * WATCHDOG_MS, last_ms - first_ms);
    server_stop(&server);
}
