/* How runs of udpload begin, are broken off and end, and what it says meanwhile. */

#include "udpload_stand_in.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_udpload_ends, .fini = harness_end, .timeout = 60);

Test(system_udpload_ends, ends_early_with_a_true_report_when_interrupted, .init = stand_in_begin)
{
    load_start("-l 1h -Q 500 -t 5 --json FILE @");
    load_serve(stand_in_answers, 100);
    process_kill(&load_process, SIGINT);
    load_serve(stand_in_answers, INT32_MAX);
    const char *json = load_report();
    report_count(json, "sent", stand_in_served);
    report_count(json, "replied", stand_in_served);
    harness_contains("the report", json, "\"stopped_early\": true");
}

/* A thread may begin later than that. */
Test(system_udpload_ends, sends_one_request_in_the_shortest_time)
{
    struct server server = {0};
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    stand_in_name = endpoint_text(&server.at[0]);
    for (int i = 0; i < 5; i++) {
        load_process = (struct process){.pid = 0};
        load_start("-l 1ms -Q max -q 1 -t 5 --json FILE @");
        const char *json = load_report();
        expect(strstr(json, "\"sent\": 0,") == NULL, "expected a request: %s", json);
        expect(strstr(json, "\"achieved\": 0,") == NULL, "expected a rate: %s", json);
    }
    server_stop(&server);
}

/* As timeout(1) does it: to the process, and to its group. */
Test(system_udpload_ends, takes_two_interrupts_at_once_for_one, .init = stand_in_begin)
{
    load_start("-l 1h -Q 500 -t 5 --json FILE @");
    load_serve(stand_in_answers, 100);
    process_kill(&load_process, SIGINT);
    process_kill(&load_process, SIGTERM);
    load_serve(stand_in_answers, INT32_MAX);
    harness_contains("the report", load_report(), "\"stopped_early\": true");
}

/* A terminal that goes away says so more than once, and may be the end of its session, too. */
Test(system_udpload_ends, keeps_its_report_when_its_terminal_goes_away, .init = stand_in_begin)
{
    load_start("-l 1h -Q 500 -t 2 --json FILE @");
    load_serve(stand_in_answers, 100);
    process_kill(&load_process, SIGHUP);
    for (int i = 0; i < 3 && load_process.pidfd >= 0; i++) {
        process_pump(&load_process, 60);
        if (load_process.pidfd >= 0)
            process_kill(&load_process, SIGHUP);
    }
    if (load_process.pidfd >= 0)
        load_serve(stand_in_answers, INT32_MAX);
    const char *json = load_report();
    harness_contains("the report", json, "\"stopped_early\": true");
    report_count(json, "replied", stand_in_served);
}

static void ignore_sigint_and_hangup(void)
{
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
}

/* As in the background of a script, and under nohup: Ctrl-C is for others. */
Test(system_udpload_ends, ignores_what_it_was_started_to_ignore, .init = stand_in_begin)
{
    const char *argv[] = {"udpload", "-n", "300", "-Q", "500", "-t", "5", stand_in_name, NULL};
    process_start(&load_process, ignore_sigint_and_hangup, argv);
    process_close_stdin(&load_process);
    load_serve(stand_in_answers, 20);
    process_kill(&load_process, SIGINT);
    process_kill(&load_process, SIGHUP);
    load_serve(stand_in_answers, INT32_MAX);
    process_wait(&load_process);
    harness_equal("requests", stand_in_served, 300);
    expect(strstr(load_text(0), "stopped early") == NULL, "expected no stop: %s", load_text(0));
}

/* No end leaves half a report: what was begun has no name before it is whole. */
Test(system_udpload_ends, leaves_nothing_behind_when_it_is_killed, .init = stand_in_begin)
{
    int nameless = open(harness_path("."), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (nameless < 0)
        cr_skip_test("this file system makes no files without names");
    close(nameless);
    load_start("-l 1h -Q 500 -t 5 --json FILE @");
    load_serve(stand_in_answers, 100);
    process_kill(&load_process, SIGKILL);
    process_wait(&load_process);
    harness_contains("the directory",
                     harness_format("[%s]", run_ok(NULL, "ls", "-A", harness_path("."), NULL)),
                     "[]");
}

Test(system_udpload_ends, ends_at_once_and_without_a_report_when_interrupted_twice,
     .init = stand_in_begin)
{
    load_start("-l 1h -Q 500 -t 1h --json FILE @");
    load_serve(stand_in_is_silent, 100);
    while (load_process.pidfd >= 0) {
        process_kill(&load_process, SIGINT);
        process_pump(&load_process, 50);
    }
    process_wait(&load_process);
    harness_equal("status", load_process.status, 1);
    harness_contains("complaint", load_text(1), "interrupted twice");
    expect(access(load_report_file(), F_OK) != 0, "expected no report");
    harness_contains("the directory",
                     harness_format("[%s]", run_ok(NULL, "ls", harness_path("."), NULL)), "[]");
}

Test(system_udpload_ends, says_that_nobody_answers_and_goes_on, .init = stand_in_begin)
{
    load_start("-n 50 -Q 100 -t 100ms -c 1000 --expect yes --json FILE @");
    load_serve(stand_in_is_silent, INT32_MAX);
    const char *json = load_report();
    harness_equal("status", load_process.status, 4);
    report_count(json, "lost", 50);
    report_count(json, "refused", 0);
    harness_contains("the report", json, "\"rotation\": null");
    harness_contains("complaint", load_text(1), "no reply within the timeout");
    harness_contains("complaint", load_text(1), stand_in_name);
    harness_equal("lines", (int64_t)text_count(load_text(1), "\n"), 1);
}

/* Expects one line on stderr, with that in it, and nothing else. */
static void expect_complaint(const char *words, int status, const char *part)
{
    load_start(words);
    process_wait(&load_process);
    harness_equal("status", load_process.status, status);
    harness_contains("complaint", load_text(1), part);
    harness_equal("lines", (int64_t)text_count(load_text(1), "\n"), 1);
    expect(load_text(0)[0] == '\0', "expected no report: %s", load_text(0));
    load_process = (struct process){.pid = 0};
}

/* ---- What was answered ---- */

/* Runs against a port that nobody has, on an address of each kind: one that clients share sockets
 * to, and one to which each has its own. */
static const char *run_against_closed_port(const char *host)
{
    stand_in_begin_at(host);
    close(stand_in_udp);
    load_process = (struct process){.pid = 0};
    load_start("-n 50 -Q 200 -t 100ms -c 1000 --json FILE @");
    return load_report();
}

Test(system_udpload_ends, tells_that_a_port_is_closed_and_fails)
{
    static const char *const hosts[] = {"127.0.0.1", "::1"};
    for (int i = 0; i < 2; i++) {
        const char *json = run_against_closed_port(hosts[i]);
        harness_equal("status", load_process.status, 4);
        report_count(json, "sent", 50);
        report_count(json, "lost", 50);
        report_count(json, "send_errors", 0);
        report_count(json, "refused", 50);
        harness_contains("the report", json, "\"why_too_few\": \"refused: start the service");
        harness_contains("complaint", load_text(1), "refused: no service listens on that UDP port");
        harness_equal("lines", (int64_t)text_count(load_text(1), "\n"), 1);
    }
}

static void answer_nine_of_ten(int number, const struct endpoint *from)
{
    if (number % 10 != 0)
        stand_in_say(from, "yes");
}

static void expect_status(const char *words, int status)
{
    stand_in_served = 0;
    load_process = (struct process){.pid = 0};
    load_start(words);
    load_serve(answer_nine_of_ten, INT32_MAX);
    load_report();
    /* 3: it lost what it may, and something else slowed the sender down. */
    expect(load_process.status == status || (status == 0 && load_process.status == 3),
           "expected %s to end with %d, not %d", words, status, load_process.status);
}

Test(system_udpload_ends, fails_where_more_is_lost_than_may_be, .init = stand_in_begin)
{
    expect_status("-n 100 -Q 1000 -t 200ms --json FILE @", 0);
    expect_status("-n 100 -Q 1000 -t 200ms --max-loss 10 --json FILE @", 0);
    expect_status("-n 100 -Q 1000 -t 200ms --max-loss 9.9% --json FILE @", 4);
    expect_status("-n 100 -Q 1000 -t 200ms --max-loss 0 --json FILE @", 4);
}

Test(system_udpload_ends, refuses_bad_input_in_one_line_and_sends_nothing, .init = stand_in_begin)
{
    expect_complaint("-Q 0 @", 2, "bad --rate '0'");
    expect_complaint("-l 0 @", 2, "bad --duration '0'");
    expect_complaint("-n -1 @", 2, "bad --count '-1'");
    expect_complaint("-c 67108865 @", 2, "bad --clients '67108865': it is not a number from 1 to");
    expect_complaint("1::2::3", 2, "bad address '1::2::3'");
    expect_complaint("::1:3000", 2, "write [ADDRESS]:PORT");
    expect_complaint("fe80::1", 1, "needs its interface");
    expect_complaint("--json r --html r @", 2, "need a file each");
    expect_complaint("no-such-host.invalid", 1, "looking up no-such-host.invalid");
    expect_complaint("--json /nowhere/report @", 1, "cannot write /nowhere/report");
    expect_complaint("--html /nowhere/report --json FILE @", 1, "cannot write /nowhere/report");
    expect_complaint("--fanout --control /nowhere/sock @", 1, "/nowhere/sock");
    expect_complaint("--source 192.0.2.1 @", 1, "192.0.2.1: this host doesn't have that address");
    udp_expect_nothing(stand_in_udp, "nothing was sent");
    expect(access(load_report_file(), F_OK) != 0, "expected no report");
}

Test(system_udpload_ends, seeks_no_rate_where_nothing_is_answered, .init = stand_in_begin)
{
    load_start("--find-max -Q 20 -l 100ms -t 50ms @");
    load_serve(stand_in_is_silent, INT32_MAX);
    process_wait(&load_process);
    harness_equal("status", load_process.status, 4);
    harness_contains("complaint", load_text(1), "nothing was answered at all, in 2 steps");
    harness_contains("the plan", load_text(0), "searching from 20/s in steps of 0.100 s: ");
    harness_contains("what is left", load_text(0), " left\n");
    harness_equal("steps", (int64_t)text_count(load_text(0), " 20/s  sent"), 2);
}

static void answer_wrongly(int number, const struct endpoint *from)
{
    (void)number;
    stand_in_say(from, "no");
}

Test(system_udpload_ends, finds_no_rate_that_holds_where_all_is_wrong, .init = stand_in_begin)
{
    load_start("--find-max -Q 20 -l 100ms -t 5 --expect yes @");
    load_serve(answer_wrongly, INT32_MAX);
    process_wait(&load_process);
    harness_equal("status", load_process.status, 4);
    harness_contains("complaint", load_text(1), "none that was tried holds");
    static const char *const steps[] = {" 20/s", " 10/s", " 5/s", " 2/s", " 1/s"};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        harness_contains("steps", load_text(0), steps[i]);
}

/* However late the sender is beside whatever else runs here. */
Test(system_udpload_ends, blames_no_service_that_answers_all, .init = stand_in_begin)
{
    load_start("--find-max -Q 500 -l 200ms -t 2 --json FILE @");
    load_serve(stand_in_answers, 1500);
    process_kill(&load_process, SIGINT);
    load_serve(stand_in_answers, INT32_MAX);
    const char *json = load_report();
    expect(json_integer(json, "highest") >= 500, "expected a rate: %s", json);
    expect(strcmp(json_text(json, "limit"), "stopped") == 0, "expected it stopped: %s", json);
}

Test(system_udpload_ends, prints_a_line_for_each_interval_when_asked_to, .init = stand_in_begin)
{
    load_start("-l 1 -S 250ms -Q 100 -t 5 --json FILE @");
    load_serve(stand_in_answers, INT32_MAX);
    const char *json = load_report();
    size_t intervals = text_count(json, "\"start_ms\"");
    expect(intervals >= 2, "expected some intervals: %s", json);
    harness_equal("lines", (int64_t)text_count(load_text(0), " - "), (int64_t)intervals);
}

Test(system_udpload_ends, prints_no_latency_where_nothing_was_answered, .init = stand_in_begin)
{
    load_start("-l 200ms -S 100ms -Q 100 -t 50ms --json FILE @");
    load_serve(stand_in_is_silent, INT32_MAX);
    load_report();
    harness_contains("the lines", load_text(0), " -            -            -\n");
    expect(strstr(load_text(0), "0.000            0.000") == NULL, "expected no latency: %s",
           load_text(0));
}

/* ---- The server itself ---- */

Test(system_udpload_ends, finds_the_rotation_of_the_server_even)
{
    struct server server = {0};
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    stand_in_name = endpoint_text(&server.at[0]);
    load_start("-n 3001 -Q max -t 10 -T 2 --expect audi,toyota,bmw --json FILE @");
    const char *json = load_report();
    report_exact(json);
    report_count(json, "replied", 3001);
    report_count(json, "toyota", 1000);
    harness_contains("the text", load_text(0), "rotation: even");
    harness_equal("answered", server_stat(&server, "replied"), 3001);
    server_stop(&server);
}
