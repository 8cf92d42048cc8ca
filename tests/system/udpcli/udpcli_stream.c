/* udpcli over TCP and Unix streams, also in the chat room of the sample configuration. */

#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(system_udpcli_stream, .fini = harness_end, .timeout = 60);

static void start(struct server *server, const char *config)
{
    server_start(server, config, "-l", "tcp:127.0.0.1:0", "-l",
                 harness_format("unix:%s", harness_path("chat")), NULL);
}

/* Whether a socket at that path listens: its file exists earlier, from bind(2) on. */
static bool is_listening(const char *path)
{
    char line[512];
    bool found = false;
    FILE *sockets = fopen("/proc/net/unix", "re");
    while (sockets != NULL && !found && fgets(line, sizeof line, sockets) != NULL)
        found = strstr(line, " 00010000 ") != NULL && strstr(line, path) != NULL;
    if (sockets != NULL)
        fclose(sockets);
    return found;
}

Test(system_udpcli_stream, a_flooding_service_does_not_block_requests)
{
    struct process flood = {0};
    const char *path = harness_path("flood");
    process_start(&flood, NULL,
                  (const char *const[]){
                      "sh", "-c",
                      harness_format("yes '' | socat -u -b 262144 - UNIX-LISTEN:%s", path), NULL});
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;
    while (!is_listening(path)) {
        expect(harness_now_ms() < deadline, "expected socat to listen at %s", path);
        harness_wait_ms(10);
    }
    struct result result =
        run(NULL, "udpcli", "-w", "5", "-n", "30", harness_format("unix:%s", path), "hi", NULL);
    harness_equal("status", result.status, 0);
    harness_equal("replies", (int64_t)text_count(result.out, "\n"), 30);
    process_kill(&flood, SIGKILL);
}

Test(system_udpcli_stream, sends_single_requests)
{
    struct server server = {0};
    start(&server, NULL);
    for (int i = 0; i < 2; i++) {
        const char *replies = run_ok(NULL, "udpcli", "-n", "3", server.others[i], "hi", NULL);
        expect(strcmp(replies, "audi\ntoyota\nbmw\n") == 0, "expected three replies, not %s",
               replies);
    }
    harness_equal("received", server_stat(&server, "received"), 6);
    server_stop(&server);
}

Test(system_udpcli_stream, sends_each_line_of_a_pipe_and_prints_each_reply)
{
    enum { LINES = 5000 };
    struct server server = {0};
    char *text = malloc(LINES * 8), *at = text;
    for (int i = 0; i < LINES; i++)
        at += sprintf(at, "%d\n", i);
    start(&server, "[reply]\nmode = echo\n");
    for (int i = 0; i < 2; i++) {
        const char *replies = run_ok(text, "udpcli", server.others[i], NULL);
        expect(strcmp(replies, text) == 0, "expected every line back, in order");
    }
    free(text);
    server_stop(&server);
}

Test(system_udpcli_stream, a_round_trip_begins_before_the_message_is_sent)
{
    struct server server = {0};
    if (harness_sanitized())
        cr_skip_test("a sanitized program is not to be traced");
    if (run(NULL, "strace", "-o", "/dev/null", "true", NULL).status != 0)
        cr_skip_test("strace does not run here");
    start(&server, NULL);
    /* The reply has arrived when the delayed send returns. */
    const char *answer =
        run_ok(NULL, "strace", "-o", "/dev/null", "-e", "inject=sendto:delay_exit=200000",
               program_path("udpcli"), "--json", server.others[0], "hi", NULL);
    static const char key[] = "\"rtt_ms\":";
    harness_contains("the answer", answer, key);
    double rtt_ms = strtod(strstr(answer, key) + strlen(key), NULL);
    expect(rtt_ms >= 200, "expected 200 ms and more, not %.3f", rtt_ms);
    server_stop(&server);
}

Test(system_udpcli_stream, sends_and_receives_a_long_line)
{
    static char line[60001];
    struct server server = {0};
    memset(line, 'x', sizeof line - 1);
    start(&server, "[server]\nmax-datagram = 60000\n[reply]\nmode = echo\n");
    for (int i = 0; i < 2; i++) {
        const char *answer = run_ok(line, "udpcli", server.others[i], NULL);
        expect(strncmp(answer, line, 60000) == 0 && strcmp(answer + 60000, "\n") == 0,
               "expected the line back");
    }
    server_stop(&server);
}

Test(system_udpcli_stream, reports_why_there_is_no_connection)
{
    struct server server = {0};
    struct result result;
    start(&server, NULL);
    const char *tcp = server.others[0], *local = server.others[1];
    server_stop(&server);
    result = run(NULL, "udpcli", tcp, "hi", NULL);
    harness_equal("status", result.status, 1);
    harness_contains("stderr", result.err, "no program listens there");
    result = run("hi\n", "udpcli", local, NULL);
    harness_equal("status", result.status, 1);
    harness_contains("stderr", result.err, "start the service, or check the path");
    result = run(NULL, "udpcli", "unix:", "hi", NULL);
    harness_equal("status", result.status, 2);
}

Test(system_udpcli_stream, reports_that_the_service_has_ended_the_connection)
{
    struct server server = {0};
    struct process client = {0};
    start(&server, "[reply]\nmode = echo\n");
    process_start(&client, NULL, (const char *const[]){"udpcli", server.others[1], NULL});
    process_write(&client, "hi\n");
    process_await_text(&client, "hi\n");
    ctl_ok(&server, "kick", "unix:#1", NULL);
    harness_equal("status", process_wait(&client), 1);
    harness_contains("stderr", client.texts[1].data, "the service has ended the connection");
    server_stop(&server);
}

/* Returns the text of a sample configuration; tests run in the root of the source tree. */
static const char *sample(const char *name)
{
    return run_ok(NULL, "cat", harness_format("config/%s", name), NULL);
}

Test(system_udpcli_stream, clients_of_the_sample_chat_room_receive_each_message)
{
    struct server server = {0};
    struct process anna = {0}, bert = {0}, carl = {0};
    server_start(&server, sample("chat.conf"), "-l", "127.0.0.1:0", "-l", "tcp:127.0.0.1:0", NULL);
    const char *udp = endpoint_text(&server.at[0]);
    process_start(&anna, NULL, (const char *const[]){"udpcli", "-w", "0", udp, NULL});
    process_start(&bert, NULL,
                  (const char *const[]){"udpcli", "-w", "0", "-k", "100ms", udp, NULL});
    process_start(&carl, NULL, (const char *const[]){"udpcli", "-w", "0", server.others[0], NULL});
    server_await_stat(&server, "joined", 2); /* bert by a keepalive, carl by connecting */
    process_write(&anna, "hi, it's anna\n");
    process_await_text(&bert, "hi, it's anna\n");
    process_await_text(&carl, "hi, it's anna\n");
    process_write(&carl, "hi anna, it's carl\n");
    process_await_text(&anna, "hi anna, it's carl\n");
    process_await_text(&bert, "hi anna, it's carl\n");
    process_write(&bert, "hi both\n");
    process_await_text(&anna, "hi both\n");
    process_await_text(&carl, "hi both\n");
    process_close_stdin(&anna);
    process_close_stdin(&bert);
    process_close_stdin(&carl);
    harness_equal("status", process_wait(&anna), 0);
    harness_equal("status", process_wait(&bert), 0);
    harness_equal("status", process_wait(&carl), 0);
    expect(strstr(anna.texts[0].data, "it's anna") == NULL,
           "a sender must not receive its own message");
    server_stop(&server);
}
