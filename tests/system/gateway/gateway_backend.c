/* The program of docs/protocol.md behind a server that replies to nothing, as it stands there. */
#include "gateway_program.h"
#include "protocol_page.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_gateway_backend, .fini = harness_end, .timeout = 60);

enum { LINES_MAX = 15 };

/* Sends a name, and expects a greeting of that name. */
static void expect_greeting(const struct server *server, int udp, const char *name)
{
    char greeting[256];
    udp_send_text(udp, &server->at[0], name);
    ssize_t size = udp_receive(udp, greeting, sizeof greeting - 1, NULL);
    expect(size > 0, "expected a greeting of %s", name);
    greeting[size] = '\0';
    const char *end = harness_format("ing, %s!", name), *noon = harness_format("noon, %s!", name);
    expect(strncmp(greeting, "Good ", 5) == 0 && (strstr(greeting, end) || strstr(greeting, noon)),
           "expected a greeting of %s, got '%s'", name, greeting);
}

/* A client of its own sends until a greeting comes: the program has to start first. */
static void await_program(const struct server *server)
{
    int udp = udp_open("127.0.0.1");
    struct pollfd wait = {.fd = udp, .events = POLLIN};
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;
    do {
        expect(harness_now_ms() < deadline, "expected a greeting");
        udp_send_text(udp, &server->at[0], "first");
    } while (poll(&wait, 1, 50) == 0);
    close(udp);
}

Test(system_gateway_backend, greets_each_client_by_its_name)
{
    struct server server = {0};
    struct process program;
    const char *script = page_block("python gateway");
    if (run(NULL, "python3", "-c", "", NULL).status != 0)
        cr_skip_test("python3 does not run here");
    expect(text_count(script, "\n") <= LINES_MAX, "expected at most %d lines", LINES_MAX);
    server_start(&server, "[admission]\npolicy = open\n[reply]\nmode = none\n", "-l", "127.0.0.1:0",
                 "-l", "tcp:127.0.0.1:0", NULL);
    const char *udpctl = program_path("udpctl");
    char *directory =
        realpath(harness_format("%.*s", (int)(strrchr(udpctl, '/') - udpctl), udpctl), NULL);
    setenv("PATH", harness_format("%s:%s", directory, getenv("PATH")), 1);
    free(directory);
    process_start(&program, NULL,
                  (const char *[]){"python3", "-c", script, "-s", server.socket, NULL});
    int one = udp_open("127.0.0.1"), other = udp_open("127.0.0.1");
    await_program(&server);
    expect_greeting(&server, one, "Ada");
    expect_greeting(&server, other, "\xc3\x89mile \"Z\"");
    udp_send_text(one, &server.at[0], "");
    expect_greeting(&server, one, "Ada");
    int tcp = stream_open(server.others[0]);
    stream_write_text(tcp, "Grace\n");
    harness_contains("the greeting", stream_line(tcp), ", Grace!");
    server_stop(&server);
    harness_equal("status", process_wait(&program), 1);
}
