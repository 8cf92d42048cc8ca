/* The targets of the log, a log daemon and standard error: a reader that is missing or does not
 * read must not delay the server. */

#include "pty.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

TestSuite(system_log, .fini = harness_end, .timeout = 60);

/* Each command logs a line. So many lines fill the log queue and the buffer of a terminal. */
enum { COMMANDS = 3000 };

/* ---- The socket of a log daemon ---- */

/* Runs a command with a /dev of its own, in which /dev/log is a link to the path in the environment
 * variable LOG, if that is set. */
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
        cr_skip_test("a mount namespace cannot be made here");
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

/* Returns the next line that the log daemon receives: a datagram, or a stream's bytes up to a NUL.
 */
static const char *daemon_line(int daemon)
{
    struct timeval deadline = {.tv_sec = HARNESS_DEADLINE_MS / 1000};
    static char line[8192];
    ssize_t size, total = 0;
    setsockopt(daemon, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    int type;
    socklen_t room = sizeof type;
    getsockopt(daemon, SOL_SOCKET, SO_TYPE, &type, &room);
    do {
        size = recv(daemon, line + total, type == SOCK_DGRAM ? sizeof line - 1 : 1, 0);
        expect(size > 0, "expected a line at the log daemon");
        total += size;
    } while (type == SOCK_STREAM && line[total - 1] != '\0');
    line[total] = '\0';
    return line;
}

static void daemon_await(int daemon, const char *text)
{
    while (!strstr(daemon_line(daemon), text))
        continue;
}

/* ---- A reader that does not read ---- */

static void run_many_commands(const struct server *server)
{
    int control = control_client_open(server);
    for (int i = 0; i < COMMANDS; i++) {
        expect(operator_send(control, "kick 127.0.0.1:9\n", 17), "the server has closed");
        expect(operator_answer(control) != NULL, "command %d got no answer", i);
    }
    close(control);
}

static void expect_service(struct server *server)
{
    int first = udp_open("127.0.0.1"), second = udp_open("127.0.0.1");
    udp_ask(first, &server->at[0], "hi", "yes");
    run_many_commands(server);
    /* A warning is due: the registry is full. */
    udp_ask(second, &server->at[0], "hi", "yes");
    udp_ask(first, &server->at[0], "hi", "yes");
    server_stop(server); /* one that waited for the reader would never end */
}

Test(system_log, a_stalled_log_daemon_delays_nothing)
{
    static const int types[] = {SOCK_DGRAM, SOCK_STREAM};
    need_own_dev();
    for (int i = 0; i < 2; i++) {
        struct server server = {.wrapper = own_dev};
        int daemon = daemon_open(types[i]);
        server_start(&server,
                     "[reply]\nmessage = yes\n[clients]\nmax = 1\n[log]\ntarget = syslog\n", "-l",
                     "127.0.0.1:0", NULL);
        expect_service(&server);
        harness_contains("the lines that the daemon did not receive", server_log(&server),
                         " stopped received=");
        daemon_close(daemon);
    }
}

/* Expects a line such as "<30>Nov  2 10:06:18 udpsrv[4711]: ready …", without a time in the text.
 */
static void expect_form(const char *line, int priority, pid_t pid, const char *text)
{
    char month[4], form[64];
    int day, hour, minute, second;
    int count = sscanf(line, "<%*d>%3s %2d %2d:%2d:%2d", month, &day, &hour, &minute, &second);
    expect(count == 5, "expected a time in the form of syslog in '%s'", line);
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

Test(system_log, a_log_daemon_receives_lines_in_the_form_of_syslog_also_after_its_restart)
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

Test(system_log, a_log_daemon_may_have_a_stream_socket)
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

/* Without a log daemon (as in a container), and with one that does not read. */
Test(system_log, a_failed_start_is_reported_on_standard_error_when_no_log_daemon_reads)
{
    need_own_dev();
    const char *at = "127.0.0.1:0";
    struct server holder = {0};
    server_start(&holder, NULL, "-l", at, NULL);
    at = endpoint_text(&holder.at[0]);
    for (int stalled = 0; stalled < 2; stalled++) {
        struct server server = {.wrapper = own_dev};
        int daemon = stalled ? daemon_open(SOCK_DGRAM) : -1, filler = -1;
        if (stalled) {
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
        if (stalled)
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

Test(system_log, a_stalled_terminal_delays_nothing)
{
    struct server server = {.prepare = log_to_terminal};
    pty_open(&terminal);
    server_start(&server, "[reply]\nmessage = yes\n[clients]\nmax = 1\n", "-l", "127.0.0.1:0",
                 NULL);
    expect_service(&server);
    pty_close(&terminal);
}

/* Neither the ready line nor the log can be written. */
Test(system_log, a_terminal_that_is_stalled_before_the_start_does_not_delay_it)
{
    struct server server = {.socket = harness_path("sock")};
    pty_open(&terminal);
    pty_fill(&terminal);
    pty_start(&terminal, &server.process, NULL,
              (const char *const[]){"udpsrv", "-l", "127.0.0.1:0", "-s", server.socket, NULL});
    while (ctl(&server, "status", NULL).status != 0)
        harness_wait_ms(10);
    run_many_commands(&server);
    server_stop(&server);
    pty_close(&terminal);
}

/* ---- What is not logged ---- */

Test(system_log, has_no_line_per_datagram_and_no_bytes_of_clients)
{
    static const char *const formats[] = {"text", "logfmt", "json"};
    struct server server;
    char evil[3000] = "\x1b[31m\nudpsrv: forged line\r\n\xff";
    int udp = udp_open("127.0.0.1");

    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        const char *log;

        server = (struct server){0};
        server_start(&server,
                     harness_format("[log]\nformat = %s\n[reply]\nmessage = yes\n", formats[i]),
                     "-l", "127.0.0.1:0", NULL);
        for (int turn = 0; turn < 500; turn++) {
            udp_send(udp, &server.at[0], evil, sizeof evil); /* too long */
            udp_ask(udp, &server.at[0], evil, "yes");
        }
        server_ask(&server, "stats");
        server_stop(&server);
        log = server_log(&server);
        expect(text_count(log, "\n") < 20, "expected few lines, there are %zu",
               text_count(log, "\n"));
        expect(strstr(log, "\x1b") == NULL && strstr(log, "forged") == NULL,
               "expected no bytes of clients");
        for (const char *line = log; *line != '\0' && i == 2; line = strchr(line, '\n') + 1)
            expect(*line == '{' && strchr(line, '\n')[-1] == '}', "expected lines of JSON only");
        harness_contains("the log", log, i == 2 ? "\"received\"" : "received=1000");
    }
}
