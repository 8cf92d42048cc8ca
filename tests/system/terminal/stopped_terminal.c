/* A terminal that is stopped, so that writes to it block: SIGTERM and SIGHUP end a program
 * nevertheless, and the mode of the terminal is restored. */

#include "pty.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_stopped_terminal, .fini = harness_end, .timeout = 60);

enum {
    BLOCKED_MS = 300, /* a program that reads nothing for this time is blocked */
    END_MS = 3000,    /* enough also on a busy host */
};

static const char *modes_before; /* of the terminal */

static void begin(struct pty *pty, struct process *process, harness_prepare *prepare,
                  const char *prompt, const char *const *argv)
{
    if (getenv("TSAN_OPTIONS") != NULL)
        cr_skip_test("ThreadSanitizer's _exit waits for standard output, which is blocked");
    pty_open(pty);
    modes_before = pty_modes(pty);
    pty_start(pty, process, prepare, argv);
    pty_await(pty, prompt);
}

static void end_by(struct pty *pty, struct process *process, int signal)
{
    int64_t began = harness_now_ms();
    process_kill(process, signal);
    harness_equal("the status", process_wait(process), 128 + signal);
    expect(harness_sanitized() || harness_now_ms() - began < END_MS,
           "expected it to end soon, it took %lld ms", (long long)(harness_now_ms() - began));
    cr_expect_str_eq(pty_modes(pty), modes_before);
    pty_close(pty);
}

/* A service that sends lines until its client, blocked by its terminal, reads no more. */
static int flood(int listener)
{
    static const char lines[] = "a line that is not read\nand another one\n";
    int stream = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct pollfd wait = {.fd = stream, .events = POLLOUT};
    cr_assert_geq(stream, 0);
    while (poll(&wait, 1, BLOCKED_MS) == 1)
        cr_assert(send(stream, lines, sizeof lines - 1, MSG_NOSIGNAL) > 0 || errno == EAGAIN);
    return stream;
}

static void end_flooded(harness_prepare *prepare, const char *prompt, int signal)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    struct process process;
    struct pty pty;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&at, size), 0);
    cr_assert_eq(listen(listener, 1), 0);
    cr_assert_eq(getsockname(listener, (struct sockaddr *)&at, &size), 0);
    const char *name = harness_format("tcp:127.0.0.1:%d", ntohs(at.sin_port));
    begin(&pty, &process, prepare, prompt, (const char *const[]){"udpcli", name, NULL});
    int stream = flood(listener);
    end_by(&pty, &process, signal);
    close(stream);
    close(listener);
}

Test(system_stopped_terminal, does_not_block_the_end_of_udpcli_under_a_flood)
{
    end_flooded(NULL, "\r> ", SIGTERM);
    end_flooded(NULL, "\r> ", SIGHUP);
}

Test(system_stopped_terminal, does_not_block_the_end_of_udpcli_if_it_is_dumb)
{
    end_flooded(pty_set_dumb, "> ", SIGTERM);
    end_flooded(pty_set_dumb, "> ", SIGHUP);
}

static void end_filled(const char *prompt, int signal, const char *const *argv)
{
    struct process process;
    struct pty pty;
    begin(&pty, &process, NULL, prompt, argv);
    pty_fill(&pty);
    end_by(&pty, &process, signal);
}

Test(system_stopped_terminal, does_not_block_the_end_of_udpcli_and_udpctl)
{
    static const int signals[] = {SIGTERM, SIGHUP};
    struct server server = {0};
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    const char *at = endpoint_text(&server.at[0]), *path = server.socket;
    for (int i = 0; i < 2; i++) {
        end_filled("\r> ", signals[i], (const char *const[]){"udpcli", at, NULL});
        end_filled("udpctl> ", signals[i], (const char *const[]){"udpctl", "-s", path, NULL});
        end_filled("clients", signals[i],
                   (const char *const[]){"udpctl", "-s", path, "watch", NULL});
    }
    server_stop(&server);
}

/* udpload ends whatever it is printing, and its report in a file is complete. */
static void end_load(const char *interval, int signal)
{
    struct server server = {0};
    struct process process;
    struct pty pty;
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    const char *json = harness_path("report");
    begin(&pty, &process, NULL, interval != NULL ? "interval" : "replied",
          (const char *const[]){"udpload", "-l", "10m", "-Q", "500", "-t", "200ms", "--json", json,
                                endpoint_text(&server.at[0]), interval, "100ms", NULL});
    pty_fill(&pty);
    harness_wait_ms(BLOCKED_MS);
    end_by(&pty, &process, signal);
    if (interval == NULL)
        harness_contains("the report", run_ok(NULL, "cat", json, NULL), "\"stopped_early\": true");
    server_stop(&server);
}

Test(system_stopped_terminal, does_not_block_the_end_of_udpload)
{
    end_load(NULL, SIGTERM);
    end_load("-S", SIGTERM);
    end_load("-S", SIGHUP);
}
