/* Broadcasts of the operator: exactly one copy to each client, the queue, the rate, cancelling. */

#include "harness.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_broadcast, .fini = harness_end, .timeout = 90);

Test(system_broadcast,
     each_of_100_broadcasts_reaches_each_of_1000_clients_exactly_once_while_others_join_and_expire)
{
    enum { CLIENTS = 1000, BROADCASTS = 100, SHORT_LIVED = 5 };
    struct server server = {0};
    static int clients[CLIENTS];
    const char *report;

    if (!harness_raise_file_limit(CLIENTS + 100))
        cr_skip_test("this process may not open %d descriptors", CLIENTS + 100);
    server_start(&server, "[reply]\nmode = none\n[clients]\nttl = 1h\n", "-l", "127.0.0.1:0", NULL);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = udp_open(i % 2 == 0 ? "127.0.0.1" : "127.0.0.2");
        udp_send_text(clients[i], &server.at[0], "hi");
    }
    server_await_stat(&server, "joined", CLIENTS);
    /* The ttl of the others. Paced, so that the broadcasts take longer than it. */
    server_configure(&server, "[reply]\nmode = none\n[clients]\nttl = 1500ms\nsweep = 50ms\n"
                              "[broadcast]\nrate = 40000\n");
    ctl_ok(&server, "reload", NULL);
    for (int round = 0; round < BROADCASTS; round++) {
        const char *text = harness_format("news %d", round);
        char hex[64];

        for (int i = 0; i < SHORT_LIVED; i++)
            udp_send_from_new_client(&server.at[0]);
        for (size_t i = 0; i <= strlen(text); i++)
            snprintf(hex + 2 * i, 3, "%02x", text[i]);
        hex[2 * strlen(text)] = '\0';
        report = server_ask(&server, harness_format("broadcast wait %s", hex));
        harness_contains("the report", report, "\nstate done\n");
        harness_equal("failed", answer_integer(report, "failed"), 0);
        expect(answer_integer(report, "sent") >= CLIENTS, "expected %d copies or more, in '%s'",
               CLIENTS, report);
        /* Jobs run one after the other: a copy that is missing or sent twice shows as a wrong text.
         */
        for (int i = 0; i < CLIENTS; i++)
            udp_expect(clients[i], &server.at[0], text);
    }
    for (int i = 0; i < CLIENTS; i++)
        udp_expect_nothing(clients[i], "all broadcasts were received");
    expect(server_stat(&server, "joined") > CLIENTS, "expected others to join");
    expect(server_stat(&server, "expired") > 0, "expected others to expire");
    harness_equal("broadcasts", server_stat(&server, "broadcasts"), BROADCASTS);
    server_stop(&server);
}

Test(system_broadcast, sends_queued_jobs_completely_and_in_order)
{
    enum { CLIENTS = 100, BROADCASTS = 50 };
    struct server server = {0};
    int clients[CLIENTS];

    server_start(&server, "[reply]\nmode = none\n", "-l", "127.0.0.1:0", NULL);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = udp_open("127.0.0.1");
        udp_send_text(clients[i], &server.at[0], "hi");
    }
    server_await_stat(&server, "joined", CLIENTS);
    for (int round = 0; round < BROADCASTS; round++)
        server_ask(&server, harness_format("broadcast nowait %02x", 'A' + round % 26));
    for (int i = 0; i < CLIENTS; i++) {
        for (int round = 0; round < BROADCASTS; round++)
            udp_expect(clients[i], &server.at[0], harness_format("%c", 'A' + round % 26));
    }
    server_await_stat(&server, "broadcasts", BROADCASTS);
    harness_equal("copies_sent", server_stat(&server, "copies_sent"), CLIENTS * BROADCASTS);
    server_stop(&server);
}

Test(system_broadcast, reaches_the_clients_registered_at_its_start_and_no_later_ones)
{
    enum { CLIENTS = 40 };
    struct server server = {0};
    int clients[CLIENTS], late = udp_open("127.0.0.1");
    const char *jobs;

    /* 40 copies at 20 a second: a client can join in the middle of the job. */
    server_start(&server, "[reply]\nmode = none\n[broadcast]\nrate = 20\n", "-l", "127.0.0.1:0",
                 NULL);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = udp_open("127.0.0.1");
        udp_send_text(clients[i], &server.at[0], "hi");
    }
    server_await_stat(&server, "joined", CLIENTS);
    ctl_ok(&server, "broadcast", "early", "--no-wait", NULL);
    server_await_stat(&server, "copies_sent", 1);
    udp_send_text(late, &server.at[0], "hi");
    server_await_stat(&server, "joined", CLIENTS + 1);
    expect(server_stat(&server, "copies_sent") < CLIENTS, "expected the job to be running still");
    for (int i = 0; i < CLIENTS; i++)
        udp_expect(clients[i], &server.at[0], "early");
    server_await_stat(&server, "broadcasts", 1);
    jobs = ctl_ok(&server, "jobs", "--json", NULL);
    harness_equal("targets", json_integer(jobs, "targets"), CLIENTS);
    harness_equal("sent", json_integer(jobs, "sent"), CLIENTS);
    ctl_ok(&server, "broadcast", "later", "--no-wait", NULL);
    udp_expect(late, &server.at[0], "later");
    server_stop(&server);
}

Test(system_broadcast, keeps_to_the_rate)
{
    enum { CLIENTS = 60, RATE_PPS = 200 };
    struct server server = {0};
    int clients[CLIENTS];
    int64_t start, elapsed;
    const char *report;

    server_start(&server,
                 harness_format("[reply]\nmode = none\n[broadcast]\nrate = %d\n", RATE_PPS), "-l",
                 "127.0.0.1:0", NULL);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = udp_open("127.0.0.1");
        udp_send_text(clients[i], &server.at[0], "hi");
    }
    server_await_stat(&server, "joined", CLIENTS);
    start = harness_now_ms();
    report = ctl_ok(&server, "broadcast", "paced", "--json", NULL);
    elapsed = harness_now_ms() - start;
    harness_equal("targets", json_integer(report, "targets"), CLIENTS);
    harness_equal("sent", json_integer(report, "sent"), CLIENTS);
    /* 60 copies at 200 a second are 300 ms; a burst at the start may be a third of that. */
    expect(elapsed >= CLIENTS * 1000 / RATE_PPS * 2 / 3, "expected about %d ms, it took %lld",
           CLIENTS * 1000 / RATE_PPS, (long long)elapsed);
    for (int i = 0; i < CLIENTS; i++)
        udp_expect(clients[i], &server.at[0], "paced");
    server_stop(&server);
}

Test(system_broadcast, requests_are_answered_while_a_long_job_runs)
{
    enum { CLIENTS = 100 };
    struct server server = {0};
    int udp = udp_open("127.0.0.1");
    static const char *const cars[] = {"audi", "toyota", "bmw"};

    server_start(&server, "[broadcast]\nrate = 5\n", "-l", "127.0.0.1:0", NULL);
    for (int i = 0; i < CLIENTS; i++)
        udp_send_from_new_client(&server.at[0]);
    server_await_stat(&server, "joined", CLIENTS);
    ctl_ok(&server, "broadcast", "long", "--no-wait", NULL);
    for (int turn = CLIENTS; turn < CLIENTS + 200; turn++)
        udp_ask(udp, &server.at[0], "hi", cars[turn % 3]);
    harness_contains("jobs", server_ask(&server, "jobs"), " running ");
    server_stop(&server);
}

Test(system_broadcast, refuses_a_job_when_the_queue_is_full)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1"), last = udp_open("127.0.0.1");
    struct result refused;

    server_start(&server, "[reply]\nmode = none\n[broadcast]\nrate = 1\nqueue = 2\n", "-l",
                 "127.0.0.1:0", NULL);
    for (int i = 0; i < 20; i++)
        udp_send_from_new_client(&server.at[0]);
    udp_send_text(udp, &server.at[0], "hi");
    udp_send_text(last, &server.at[0], "hi");
    server_await_stat(&server, "joined", 22);
    ctl_ok(&server, "broadcast", "runs", "--no-wait", NULL);
    server_await_stat(&server, "copies_sent", 1);
    ctl_ok(&server, "broadcast", "waits", "--no-wait", NULL);
    ctl_ok(&server, "broadcast", "waits too", "--no-wait", NULL);
    refused = ctl(&server, "broadcast", "is refused", "--no-wait", NULL);
    harness_equal("the status", refused.status, 1);
    harness_contains("the error", refused.err, "full");
    harness_equal("jobs", (int64_t)text_count(server_ask(&server, "jobs"), "\njob "), 3);
    server_stop(&server);
}

Test(system_broadcast, cancels_a_running_and_a_waiting_job)
{
    struct server server = {0};
    const char *report, *running, *waiting;
    struct result again;

    server_start(&server, "[reply]\nmode = none\n[broadcast]\nrate = 1\n", "-l", "127.0.0.1:0",
                 NULL);
    for (int i = 0; i < 20; i++)
        udp_send_from_new_client(&server.at[0]);
    server_await_stat(&server, "joined", 20);
    report = ctl_ok(&server, "broadcast", "runs", "--no-wait", "--json", NULL);
    running = harness_format("%d", (int)json_integer(report, "id"));
    report = ctl_ok(&server, "broadcast", "waits", "--no-wait", "--json", NULL);
    waiting = harness_format("%d", (int)json_integer(report, "id"));
    server_await_stat(&server, "copies_sent", 1);
    ctl_ok(&server, "cancel", waiting, NULL);
    ctl_ok(&server, "cancel", running, NULL);
    harness_equal("cancelled jobs", (int64_t)text_count(server_ask(&server, "jobs"), " cancelled "),
                  2);
    again = ctl(&server, "cancel", running, NULL);
    harness_equal("the status of cancelling again", again.status, 1);
    harness_equal("the status of cancelling an unknown job",
                  ctl(&server, "cancel", "4711", NULL).status, 1);
    expect(server_stat(&server, "copies_sent") < 20, "expected the copies to end");
    server_stop(&server);
}

Test(system_broadcast, reports_the_cancelling_to_the_session_that_waits_for_the_job)
{
    struct server server = {0};
    int control;
    const char *report;
    int id;

    server_start(&server, "[reply]\nmode = none\n[broadcast]\nrate = 1\n", "-l", "127.0.0.1:0",
                 NULL);
    for (int i = 0; i < 20; i++)
        udp_send_from_new_client(&server.at[0]);
    server_await_stat(&server, "joined", 20);
    control = control_client_open(&server);
    operator_send(control, "broadcast wait 6869\n", 20);
    server_await_stat(&server, "copies_sent", 1);
    report = server_ask(&server, "jobs");
    expect(sscanf(report, "ok\njob %d running ", &id) == 1, "expected one running job in '%s'",
           report);
    ctl_ok(&server, "cancel", harness_format("%d", id), NULL);
    report = operator_answer(control);
    expect(report != NULL, "expected an answer, the connection was closed");
    harness_contains("the report", report, "\nstate cancelled\n");
    harness_equal("targets", answer_integer(report, "targets"), 20);
    harness_equal("the sum of the tally",
                  answer_integer(report, "sent") + answer_integer(report, "failed") +
                      answer_integer(report, "skipped"),
                  20);
    server_stop(&server);
}

Test(system_broadcast, sends_each_line_of_stdin_and_any_bytes_as_hex)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");
    char bytes[8];

    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    udp_ask(udp, &server.at[0], "hi", "audi");
    run_ok("one\n\ntwo words\nno newline", "udpctl", "-s", server.socket, "broadcast", "--stdin",
           NULL);
    udp_expect(udp, &server.at[0], "one");
    udp_expect(udp, &server.at[0], "");
    udp_expect(udp, &server.at[0], "two words");
    udp_expect(udp, &server.at[0], "no newline");
    ctl_ok(&server, "broadcast", "--hex", "00ff0A", NULL);
    harness_equal("size", udp_receive(udp, bytes, sizeof bytes, NULL), 3);
    expect(memcmp(bytes, "\x00\xff\x0a", 3) == 0, "expected the bytes of the hex digits");
    ctl_ok(&server, "broadcast", "", NULL);
    udp_expect(udp, &server.at[0], "");
    expect(ctl(&server, "broadcast", "--hex", "0g", NULL).status != 0,
           "expected a bad hex digit to be refused");
    udp_ask(udp, &server.at[0], "hi", "toyota");
    server_stop(&server);
}

Test(system_broadcast, carries_the_longest_payload_of_udp)
{
    static char text[65507 + 1], received[65536];
    struct server server = {0};
    int udp = udp_open("127.0.0.1");

    memset(text, 'x', 65507);
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    udp_ask(udp, &server.at[0], "hi", "audi");
    ctl_ok(&server, "broadcast", text, NULL);
    harness_equal("size", udp_receive(udp, received, sizeof received, NULL), 65507);
    expect(memcmp(received, text, 65507) == 0, "expected the payload as it was given");
    server_stop(&server);
}

/* Starts a server whose worker needs 300 ms for each call that sends; its main thread is not
 * slowed.
 */
static void start_slow_sender(struct server *server)
{
    static const char *const strace[] = {"strace",
                                         "-f",
                                         "-qq",
                                         "-o",
                                         "/dev/null",
                                         "-e",
                                         "trace=sendmmsg",
                                         "-e",
                                         "inject=sendmmsg:delay_enter=300000",
                                         NULL};

    if (harness_sanitized())
        cr_skip_test("a program with a sanitizer cannot be traced");
    if (run(NULL, "strace", "-o", "/dev/null", "true", NULL).status != 0)
        cr_skip_test("strace does not run here");
    server->wrapper = strace;
    server_start(server, "[reply]\nmode = none\n", "-l", "127.0.0.1:0", NULL);
}

Test(system_broadcast, is_reported_as_cancelled_when_no_more_copies_are_sent)
{
    enum { CLIENTS = 200 };
    struct server server = {0};
    char state[16] = "";
    long long targets = 0, sent = 0, failed = 0, skipped = 0;

    start_slow_sender(&server);
    for (int i = 0; i < CLIENTS; i++)
        udp_send_from_new_client(&server.at[0]);
    server_await_stat(&server, "joined", CLIENTS);
    ctl_ok(&server, "broadcast", "news", "--no-wait", NULL);
    ctl_ok(&server, "cancel", "1", NULL);
    const char *jobs = server_ask(&server, "jobs");
    expect(sscanf(jobs, "ok\njob 1 %15s %lld %lld %lld %lld ", state, &targets, &sent, &failed,
                  &skipped) == 5,
           "expected a job, '%s'", jobs);
    cr_assert_str_eq(state, "cancelled");
    harness_equal("targets", targets, CLIENTS);
    harness_equal("the sum", sent + failed + skipped, CLIENTS);
    harness_equal("copies", server_stat(&server, "copies_sent"), sent);
    /* A signal would end only strace, and the server would continue to run. */
    ctl_ok(&server, "stop", NULL);
    harness_equal("status", process_wait(&server.process), 0);
}

Test(system_broadcast, is_logged_with_its_size_and_its_result)
{
    struct server server = {0};

    server_start(&server, "[reply]\nmode = none\n[broadcast]\nrate = 1\nqueue = 1\n", "-l",
                 "127.0.0.1:0", NULL);
    for (int i = 0; i < 30; i++)
        udp_send_from_new_client(&server.at[0]);
    server_await_stat(&server, "joined", 30);
    ctl_ok(&server, "broadcast", "hello", "--no-wait", NULL);
    server_await_log(&server, "command name=broadcast job=1 bytes=5 uid=");
    ctl_ok(&server, "broadcast", "waits", "--no-wait", NULL);
    ctl(&server, "broadcast", "too much", "--no-wait", NULL);
    server_await_log(&server, "name=broadcast refused=\"cannot broadcast: the queue is full;");
    server_await_stat(&server, "copies_sent", 1);
    ctl_ok(&server, "cancel", "2", NULL);
    server_await_log(&server, "a broadcast ended job=2 state=cancelled bytes=5 targets=0 sent=0 "
                              "failed=0 skipped=0 ");
    ctl_ok(&server, "cancel", "1", NULL);
    server_await_log(&server, "a broadcast ended job=1 state=cancelled bytes=5 targets=30 ");
    server_configure(&server, "[reply]\nmode = none\n");
    ctl_ok(&server, "reload", NULL);
    ctl_ok(&server, "broadcast", "hello!", NULL);
    server_await_log(&server, "a broadcast ended job=3 state=done bytes=6 targets=30 sent=30 "
                              "failed=0 skipped=0 duration_ms=");
    expect(strstr(server_log(&server), "hello") == NULL, "expected no payload in the log");
    server_stop(&server);
}
