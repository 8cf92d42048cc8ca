/* The stop of the server: under load, with unfinished jobs, open control connections, answers that
 * cannot be sent, and a reload that is still running. */

#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(system_stop, .fini = harness_end, .timeout = 60);

/* Clients that keep a bounded number of requests in flight, so that their sockets lose no answer.
 */
enum { FLOOD_CLIENTS = 4, IN_FLIGHT = 50 };

struct flood {
    int udp[FLOOD_CLIENTS];
    int64_t sent[FLOOD_CLIENTS], replied[FLOOD_CLIENTS];
};

static void receive_replies(struct flood *flood, int i)
{
    char reply[64];

    while (recv(flood->udp[i], reply, sizeof reply, MSG_DONTWAIT) >= 0)
        flood->replied[i]++;
}

static void flood_once(struct flood *flood, const struct endpoint *to)
{
    for (int i = 0; i < FLOOD_CLIENTS; i++) {
        for (; flood->sent[i] - flood->replied[i] < IN_FLIGHT; flood->sent[i]++)
            udp_send_text(flood->udp[i], to, "hi");
        receive_replies(flood, i);
    }
}

static int64_t replies_of(const struct flood *flood)
{
    int64_t sum = 0;

    for (int i = 0; i < FLOOD_CLIENTS; i++)
        sum += flood->replied[i];
    return sum;
}

static void stop_under_load(struct server *server, int signal)
{
    enum { BEFORE = 5000 };
    struct flood flood = {0};
    int64_t started = harness_now_ms();
    const char *line;

    for (int i = 0; i < FLOOD_CLIENTS; i++)
        flood.udp[i] = udp_open("127.0.0.1");
    while (replies_of(&flood) < BEFORE) {
        flood_once(&flood, &server->at[0]);
        expect(harness_now_ms() - started < HARNESS_DEADLINE_MS, "expected %d replies", BEFORE);
    }
    started = harness_now_ms();
    process_kill(&server->process, signal);
    while (server->process.pidfd >= 0) {
        flood_once(&flood, &server->at[0]);
        process_pump(&server->process, 0);
        expect(harness_now_ms() - started < HARNESS_DEADLINE_MS, "expected it to end");
    }
    /* 1, if a worker had needed more than a second. */
    harness_equal("the status", server->process.status, 0);
    expect(access(server->socket, F_OK) != 0, "expected no socket file after the end");
    for (int i = 0; i < FLOOD_CLIENTS; i++)
        receive_replies(&flood, i);
    line = strstr(server_log(server), " stopped ");
    expect(line != NULL, "expected the log to contain 'stopped'");
    line = harness_format("%.*s", (int)strcspn(line, "\n"), line);
    expect_balance("the last line", line);
    harness_equal("replied", text_integer(line, "replied"), replies_of(&flood));
}

Test(system_stop, sigterm_under_load_ends_the_server_with_balanced_counters)
{
    struct server server = {0};

    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    stop_under_load(&server, SIGTERM);
}

Test(system_stop, sigint_under_load_ends_the_server_with_balanced_counters)
{
    struct server server = {0};

    server_start(&server, "[reply]\nmessage = yes\n", "-l", "127.0.0.1:0", NULL);
    stop_under_load(&server, SIGINT);
}

Test(system_stop, a_stop_cancels_jobs_and_closes_control_connections)
{
    struct server server = {0};
    int control, silent;
    const char *report;

    server_start(&server, "[reply]\nmode = none\n[broadcast]\nrate = 1\n", "-l", "127.0.0.1:0",
                 NULL);
    for (int i = 0; i < 50; i++)
        udp_send_text(udp_open("127.0.0.1"), &server.at[0], "hi");
    server_await_stat(&server, "joined", 50);
    silent = control_client_open(&server);
    control = control_client_open(&server);
    operator_send(control, "broadcast wait 6869\n", 20);
    server_await_stat(&server, "copies_sent", 1);
    ctl_ok(&server, "broadcast", "waits", "--no-wait", NULL);
    server_stop(&server);
    report = operator_answer(control);
    expect(report == NULL || strstr(report, "cancelled") != NULL,
           "expected a cancelled job or an end, '%s' came", report);
    operator_expect_end(silent);
}

/* Starts a server whose answers stay in its socket, because the link sends 8 kbit/s. */
static void start_with_blocked_answers(struct server *server)
{
    char text[1400] = {'x'};
    struct endpoint to;
    int udp;

    netns_enter();
    netns_shell("ip link add near type veth peer name far; ip addr add 10.8.0.1/24 dev near; "
                "ip link set far up; ip link set near up; "
                "ip neigh add 10.8.0.9 lladdr 02:00:00:00:00:09 dev near; "
                "tc qdisc add dev near root tbf rate 8kbit burst 2k limit 10m");
    server_start(server, "[admission]\npolicy = open\n[reply]\nmode = echo\n", "-l", "10.8.0.1:0",
                 NULL);
    /* The requests arrive over loopback, with a source address that is reached by the slow link. */
    netns_shell("ip addr add 10.8.0.9/32 dev lo");
    udp = udp_open("10.8.0.9");
    to = server->at[0];
    process_kill(&server->process, SIGSTOP);
    for (int i = 0; i < 1000; i++)
        udp_send(udp, &to, text, sizeof text);
    netns_shell("ip addr del 10.8.0.9/32 dev lo");
    process_kill(&server->process, SIGCONT);
    server_await_stat(server, "received", 64);
}

Test(system_stop, a_stop_does_not_wait_for_answers_that_cannot_be_sent)
{
    struct server server = {0};

    start_with_blocked_answers(&server);
    server_stop(&server);
    expect_balance("the log's end", strstr(server_log(&server), "stopped"));
}

/* Makes a directory with 900 links to one file of 4 MiB, which takes some seconds to read. */
static void write_long_configuration(const char *directory)
{
    const char *text = harness_path("long");
    FILE *file = fopen(text, "we");

    expect(file != NULL, "expected to write %s", text);
    for (int i = 0; i < 4 << 20; i += 4096)
        fprintf(file, "# %04093d\n", i);
    fclose(file);
    expect(mkdir(directory, 0700) == 0, "expected to make %s", directory);
    for (int i = 0; i < 900; i++)
        expect(symlink(text, harness_format("%s/%d.conf", directory, i)) == 0,
               "expected to make a link");
}

Test(system_stop, a_stop_does_not_wait_for_a_reload_that_takes_long)
{
    struct server server = {0};
    const char *directory = harness_path("long.d");

    write_long_configuration(directory);
    server_start(&server, "", "-l", "127.0.0.1:0", NULL);
    server_configure(&server, harness_format("[server]\ninclude = %s/*.conf\n", directory));
    process_kill(&server.process, SIGHUP);
    server_await_signal(&server);
    server_stop(&server);
    harness_contains("the log", server_log(&server), "reason=\"the server is stopping\"");
}
