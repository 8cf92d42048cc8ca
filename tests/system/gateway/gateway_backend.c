/* The program of docs/protocol.md behind a server that replies to nothing, as it stands there. */
#include "gateway_program.h"
#include "protocol_page.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_gateway_backend, .fini = harness_end, .timeout = 60);

enum { LINES_MAX = 15 };

static void expect_hour(const char *answer)
{
    int hour = -1, end = 0;
    sscanf(answer, "It is %2d o'clock%n", &hour, &end);
    expect(hour >= 0 && hour < 24 && end > 0 && answer[end] == '\0', "expected the hour, got '%s'",
           answer);
}

/* Sends a text, and expects the hour. */
static void expect_answer(const struct server *server, int udp, const char *text)
{
    char answer[256];
    udp_send_text(udp, &server->at[0], text);
    ssize_t size = udp_receive(udp, answer, sizeof answer - 1, NULL);
    expect(size > 0, "expected an answer to '%s'", text);
    answer[size] = '\0';
    expect_hour(answer);
}

/* A client of its own sends until an answer comes: the program has to start first. */
static void await_program(const struct server *server)
{
    int udp = udp_open("127.0.0.1");
    struct pollfd wait = {.fd = udp, .events = POLLIN};
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;
    do {
        expect(harness_now_ms() < deadline, "expected an answer");
        udp_send_text(udp, &server->at[0], "first");
    } while (poll(&wait, 1, 50) == 0);
    close(udp);
}

/* Where udpctl of the default socket is: a directory of XDG_RUNTIME_DIR, and for root /run/udpsrv,
 * which is a private one in a mount namespace. */
static const char FOR_USER[] = "mkdir $2 && ln -s $1 $2/udpsrv.sock && export XDG_RUNTIME_DIR=$2";
static const char FOR_ROOT[] = "mount -t tmpfs none /run && mkdir /run/udpsrv && "
                               "ln -s $1 /run/udpsrv/udpsrv.sock";

/* Starts the program as the page has it: it finds udpctl in PATH and the server at its default
 * socket. */
static void start_program(struct process *program, const struct server *server, const char *script)
{
    bool is_root = geteuid() == 0;
    const char *udpctl = program_path("udpctl");
    const char *command = harness_format("%s && export PATH=%.*s:$PATH && exec python3 -c \"$3\"",
                                         is_root ? FOR_ROOT : FOR_USER,
                                         (int)(strlen(udpctl) - strlen("/udpctl")), udpctl);
    const char *const argv[] = {"unshare", "--mount", "sh",           "-c",
                                command,   "sh",      server->socket, harness_path("runtime"),
                                script,    NULL};
    if (is_root &&
        run(NULL, "unshare", "--mount", "mount", "-t", "tmpfs", "none", "/run", NULL).status != 0)
        cr_skip_test("no mount namespaces here");
    process_start(program, NULL, argv + (is_root ? 0 : 2));
}

Test(system_gateway_backend, answers_each_client)
{
    struct server server = {0};
    struct process program;
    const char *script = page_block("python backend");
    if (run(NULL, "python3", "-c", "", NULL).status != 0)
        cr_skip_test("python3 does not run here");
    expect(text_count(script, "\n") <= LINES_MAX, "expected at most %d lines", LINES_MAX);
    server_start(&server, "[admission]\npolicy = open\n[reply]\nmode = none\n", "-l", "127.0.0.1:0",
                 "-l", "tcp:127.0.0.1:0", NULL);
    start_program(&program, &server, script);
    int one = udp_open("127.0.0.1"), other = udp_open("127.0.0.1");
    await_program(&server);
    expect_answer(&server, one, "Ada");
    expect_answer(&server, other, "\xc3\x89mile \"Z\"");
    expect_answer(&server, one, "");
    expect_answer(&server, one, "\xff\n");
    int tcp = stream_open(server.others[0]);
    stream_write_text(tcp, "Grace\n");
    const char *line = stream_line(tcp);
    expect_hour(harness_format("%.*s", (int)strcspn(line, "\r\n"), line));
    server_stop(&server);
    harness_equal("status", process_wait(&program), 0);
}

/* The block of the README is indented by four blanks. */
Test(system_gateway_backend, of_the_readme_is_the_same)
{
    const char *readme = run_ok(NULL, "cat", "README.md", NULL);
    const char *lines = page_block("python backend"), *indented = "";
    for (const char *end; (end = strchr(lines, '\n')) != NULL; lines = end + 1)
        indented = harness_format("%s    %.*s\n", indented, (int)(end - lines), lines);
    harness_contains("README.md", readme, indented);
}
