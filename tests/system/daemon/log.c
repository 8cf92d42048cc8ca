/* Nobody who reads the log, or doesn't, holds the server up. */

#include "pty.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

TestSuite(system_log, .fini = harness_end, .timeout = 60);

enum {
    MANY = 3000
}; /* commands, a line of the log each: more than the queue and a terminal hold */

/* ---- The socket of a log daemon ---- */

/* A /dev of its own, in which log is a link to the path in the environment's LOG, if there is one.
 */
static const char *const own_dev[] = {
    "unshare",
    "--mount",
    "sh",
    "-c",
    "mount -t tmpfs tmpfs /mnt && cp -a /dev/null /dev/zero /dev/random /dev/urandom /mnt/ && "
    "{ [ -z \"$LOG\" ] || ln -s \"$LOG\" /mnt/log; } && mount --move /mnt /dev && exec \"$@\"",
    "sh",
    NULL};

static void need_own_dev(void)
{
    if (run(NULL, "unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt", NULL).status != 0)
        cr_skip_test("a mount namespace can't be made here");
}

static int daemon_open(int type)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const char *path = harness_path("log");
    int daemon = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    cr_assert_geq(daemon, 0);
    cr_assert_lt(strlen(path), sizeof at.sun_path);
    strcpy(at.sun_path, path);
    cr_assert_eq(bind(daemon, (struct sockaddr *)&at, sizeof at), 0);
    cr_assert(type == SOCK_DGRAM || listen(daemon, 4) == 0);
    setenv("LOG", path, 1);
    return daemon;
}

static void daemon_close(int daemon)
{
    close(daemon);
    cr_assert_eq(unlink(harness_path("log")), 0);
}

/* The next line that it gets: a datagram, or up to the NUL of a stream. */
static const char *daemon_line(int daemon)
{
    struct timeval deadline = {.tv_sec = HARNESS_DEADLINE_MS / 1000};
    static char line[8192];
    ssize_t size, all = 0;
    setsockopt(daemon, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    int type;
    socklen_t room = sizeof type;
    getsockopt(daemon, SOL_SOCKET, SO_TYPE, &type, &room);
    do {
        size = recv(daemon, line + all, type == SOCK_DGRAM ? sizeof line - 1 : 1, 0);
        expect(size > 0, "expected a line at the log daemon");
        all += size;
    } while (type == SOCK_STREAM && line[all - 1] != '\0');
    line[all] = '\0';
    return line;
}

static void daemon_await(int daemon, const char *text)
{
    while (!strstr(daemon_line(daemon), text))
        continue;
}

/* ---- What nobody may notice ---- */

static void give_many_commands(const struct server *server)
{
    int control = control_client_open(server);
    for (int i = 0; i < MANY; i++) {
        expect(operator_send(control, "kick 127.0.0.1:9\n", 17), "the server has closed");
        expect(operator_answer(control) != NULL, "command %d got no answer", i);
    }
    close(control);
}

static void expect_stop_in_time(struct server *server)
{
    int64_t began = harness_now_ms();
    process_kill(&server->process, SIGTERM);
    harness_equal("the status", process_wait(&server->process), 0);
    expect(harness_sanitized() || harness_now_ms() - began < 1000,
           "expected it to end within a second, it took %lld ms",
           (long long)(harness_now_ms() - began));
}

static void serve_on(struct server *server)
{
    int first = udp_open("127.0.0.1"), second = udp_open("127.0.0.1");
    udp_ask(first, &server->at[0], "hi", "yes");
    give_many_commands(server);
    /* A warning is due: the registry is full. */
    udp_ask(second, &server->at[0], "hi", "yes");
    udp_ask(first, &server->at[0], "hi", "yes");
    expect_stop_in_time(server);
}

Test(system_log, daemon_that_stands_still_holds_nobody)
{
    static const int types[] = {SOCK_DGRAM, SOCK_STREAM};
    need_own_dev();
    for (int i = 0; i < 2; i++) {
        struct server server = {.wrapper = own_dev};
        int daemon = daemon_open(types[i]);
        server_start(&server,
                     "[reply]\nmessage = yes\n[clients]\nmax = 1\n[log]\ntarget = syslog\n", "-l",
                     "127.0.0.1:0", NULL);
        serve_on(&server);
        harness_contains("what the daemon didn't take", server_log(&server), " stopped received=");
        daemon_close(daemon);
    }
}

/* "<30>Nov  2 10:06:18 udpsrv[4711]: ready …", and no time in the text. */
static void expect_form(const char *line, int priority, pid_t pid, const char *text)
{
    char month[4], form[64];
    int day, hour, minute, second;
    int count = sscanf(line, "<%*d>%3s %2d %2d:%2d:%2d", month, &day, &hour, &minute, &second);
    expect(count == 5, "expected a time as syslog has it in '%s'", line);
    snprintf(form, sizeof form, "<%d>%s %2d %02d:%02d:%02d udpsrv[%d]: ", priority, month, day,
             hour, minute, second, (int)pid);
    expect(strncmp(line, form, strlen(form)) == 0, "expected '%s' to begin with '%s'", line, form);
    expect(strncmp(line + strlen(form), text, strlen(text)) == 0, "expected '%s' in '%s'", text,
           line);
}

static void expect_log_at(int daemon, struct server *server)
{
    const char *line;
    while (!strstr(line = daemon_line(daemon), " ready "))
        continue;
    expect_form(line, 30, server->process.pid, "ready version=");
    ctl_ok(server, "reload", NULL);
    daemon_await(daemon, ": reloaded");
}

Test(system_log, daemon_gets_lines_as_syslog_sends_them_and_may_be_restarted)
{
    need_own_dev();
    struct server server = {.wrapper = own_dev};
    int daemon = daemon_open(SOCK_DGRAM);
    server_start(&server, "[log]\ntarget = syslog\n", "-l", "127.0.0.1:0", NULL);
    expect_log_at(daemon, &server);
    daemon_close(daemon);
    ctl_ok(&server, "reload", NULL);
    server_await_log(&server, "Z info reloaded");
    daemon = daemon_open(SOCK_DGRAM);
    ctl_ok(&server, "reload", NULL);
    daemon_await(daemon, ": reloaded");
    server_configure(&server, "[log]\ntarget = syslog\nformat = json\n");
    ctl_ok(&server, "reload", NULL);
    daemon_await(daemon, ": {\"level\":\"info\",\"msg\":\"reloaded\"}");
    server_stop(&server);
    daemon_await(daemon, "stopped");
}

Test(system_log, daemon_may_listen_to_a_stream)
{
    need_own_dev();
    struct server server = {.wrapper = own_dev};
    int daemon = daemon_open(SOCK_STREAM);
    server_start(&server, "[log]\ntarget = syslog\n", "-l", "127.0.0.1:0", NULL);
    int stream = accept4(daemon, NULL, NULL, SOCK_CLOEXEC);
    cr_assert_geq(stream, 0);
    expect_log_at(stream, &server);
    server_stop(&server);
    daemon_await(stream, "stopped");
}

/* Where there is no log daemon (a container), and where it stands still. */
Test(system_log, failed_start_says_why_on_standard_error_when_no_daemon_takes_it)
{
    need_own_dev();
    const char *at = "127.0.0.1:0";
    struct server holder = {0};
    server_start(&holder, NULL, "-l", at, NULL);
    at = endpoint_text(&holder.at[0]);
    for (int standing = 0; standing < 2; standing++) {
        struct server server = {.wrapper = own_dev};
        int daemon = standing ? daemon_open(SOCK_DGRAM) : -1, filler = -1;
        if (standing) {
            struct sockaddr_un to = {.sun_family = AF_UNIX};
            strcpy(to.sun_path, harness_path("log"));
            filler = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            while (sendto(filler, "x", 1, 0, (struct sockaddr *)&to, sizeof to) == 1)
                continue;
        }
        struct result result = server_try(&server, "[log]\ntarget = syslog\n", "-l", at, NULL);
        harness_equal("the status", result.status, 1);
        harness_contains("standard error", result.err, "cannot listen");
        harness_contains("standard error", result.err, "in use");
        if (standing)
            daemon_close(daemon);
        close(filler);
    }
    server_stop(&holder);
}

/* ---- A terminal ---- */

static struct pty terminal;

static void log_to_terminal(void)
{
    dup2(open(terminal.name, O_WRONLY | O_NOCTTY | O_CLOEXEC), STDERR_FILENO);
}

Test(system_log, terminal_that_stands_still_holds_nobody)
{
    struct server server = {.prepare = log_to_terminal};
    pty_open(&terminal);
    server_start(&server, "[reply]\nmessage = yes\n[clients]\nmax = 1\n", "-l", "127.0.0.1:0",
                 NULL);
    serve_on(&server);
    pty_close(&terminal);
}

/* Neither the ready line nor the log can be written; it serves all the same. */
Test(system_log, terminal_that_stands_still_already_does_not_hold_the_start)
{
    struct server server = {.socket = harness_path("sock")};
    pty_open(&terminal);
    pty_fill(&terminal);
    pty_start(&terminal, &server.process, NULL,
              (const char *const[]){"udpsrv", "-l", "127.0.0.1:0", "-s", server.socket, NULL});
    while (ctl(&server, "status", NULL).status != 0)
        harness_tick(10);
    give_many_commands(&server);
    expect_stop_in_time(&server);
    pty_close(&terminal);
}
