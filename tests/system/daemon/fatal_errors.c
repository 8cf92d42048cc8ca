/* An event loop that fails ends the service with an error in the log, so that no daemon keeps a
 * port without answering. */

#include "harness.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(system_fatal_errors, .fini = harness_end, .timeout = 60);

/* strace makes the 40th wait for events of a thread fail. In most tests that is a worker's wait,
 * because the main thread waits only a few times. */
static const char *const fail_40th_wait[] = {
    "strace",
    "-f",
    "-qq",
    "-o",
    "/dev/null",
    "-e",
    "trace=?epoll_wait,?epoll_pwait,?epoll_pwait2",
    "-e",
    "inject=?epoll_wait,?epoll_pwait,?epoll_pwait2:error=ENOMEM:when=40",
    NULL};

static void need_strace(void)
{
    if (harness_sanitized())
        cr_skip_test("the start of a sanitizer cannot be traced");
    if (run(NULL, "strace", "-o", "/dev/null", "true", NULL).status != 0)
        cr_skip_test("strace does not run here");
}

/* Sends datagrams until the server has ended. */
static void send_until_the_end(struct server *server)
{
    int udp = udp_open("127.0.0.1");
    char answer[16];
    int64_t start = harness_now_ms();

    while (server->process.pidfd >= 0) {
        struct pollfd wait = {.fd = udp, .events = POLLIN};
        expect(harness_now_ms() - start < HARNESS_DEADLINE_MS, "expected the server to end");
        sendto(udp, "hi", 2, 0, (struct sockaddr *)&server->at[0].sockaddr, server->at[0].size);
        poll(&wait, 1, 20);
        while (recv(udp, answer, sizeof answer, MSG_DONTWAIT) >= 0)
            ;
        process_pump(&server->process, 0);
    }
}

static void fail_a_worker(const char *workers)
{
    struct server server = {.wrapper = fail_40th_wait};
    const char *log;

    need_strace();
    server_start(&server,
                 harness_format("[server]\nworkers = %s\n[clients]\nsweep = 1h\n", workers), "-l",
                 "127.0.0.1:0", NULL);
    send_until_the_end(&server);
    harness_equal("the status", server.process.status, 1);
    log = server_log(&server);
    harness_contains("the log", log,
                     "a worker's event loop failed reason=\"Cannot allocate memory\"");
    harness_contains("the log", log, "ended abnormally reason=\"a worker's event loop failed\"");
    expect(access(server.socket, F_OK) != 0, "expected no socket file after the end");
}

Test(system_fatal_errors, an_event_loop_failure_of_the_only_worker_ends_the_service)
{
    fail_a_worker("1");
}

Test(system_fatal_errors, an_event_loop_failure_of_one_of_several_workers_ends_the_service)
{
    fail_a_worker("2");
}

Test(system_fatal_errors, an_event_loop_failure_of_the_main_thread_ends_the_service)
{
    struct server server = {.wrapper = fail_40th_wait};

    need_strace();
    server_start(&server, "[clients]\nsweep = 1h\n", "-l", "127.0.0.1:0", NULL);
    for (int64_t start = harness_now_ms(); server.process.pidfd >= 0;) {
        expect(harness_now_ms() - start < HARNESS_DEADLINE_MS, "expected the server to end");
        ctl(&server, "jobs", NULL);
        process_pump(&server.process, 0);
    }
    harness_equal("the status", server.process.status, 1);
    harness_contains("the log", server_log(&server),
                     "ended abnormally reason=\"the event loop failed\"");
    expect(access(server.socket, F_OK) != 0, "expected no socket file after the end");
}
