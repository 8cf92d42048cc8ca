/* Tests of the start and end of udpload: signals, exit statuses, errors, and its output during a
 * run. */

#include "udpload_stand_in.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_udpload_ends, .fini = harness_end, .timeout = 60);

Test(system_udpload_ends, ends_early_with_a_correct_report_when_interrupted, .init = stand_in_open)
{
    load_start("-l 1h -Q 500 -t 5 --json FILE @");
    stand_in_serve(stand_in_reply_yes, 100);
    process_kill(&load_process, SIGINT);
    stand_in_serve(stand_in_reply_yes, INT32_MAX);
    const char *json = load_report();
    report_count(json, "sent", stand_in_received);
    report_count(json, "replied", stand_in_received);
    harness_contains("the report", json, "\"stopped_early\": true");
}

/* A thread may start later than that. */
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

/* timeout(1) sends the signal to the process and to its group. */
Test(system_udpload_ends, counts_two_simultaneous_interrupts_as_one, .init = stand_in_open)
{
    load_start("-l 1h -Q 500 -t 5 --json FILE @");
    stand_in_serve(stand_in_reply_yes, 100);
    process_kill(&load_process, SIGSTOP);
    process_kill(&load_process, SIGINT);
    process_kill(&load_process, SIGTERM);
    process_kill(&load_process, SIGCONT);
    stand_in_serve(stand_in_reply_yes, INT32_MAX);
    harness_contains("the report", load_report(), "\"stopped_early\": true");
}

/* A terminal that is closed sends several hangups, and its session may end, too. */
Test(system_udpload_ends, writes_its_report_when_its_terminal_is_closed, .init = stand_in_open)
{
    load_start("-l 1h -Q 500 -t 2 --json FILE @");
    stand_in_serve(stand_in_reply_yes, 100);
    process_kill(&load_process, SIGHUP);
    for (int i = 0; i < 3 && load_process.pidfd >= 0; i++) {
        process_pump(&load_process, 60);
        if (load_process.pidfd >= 0)
            process_kill(&load_process, SIGHUP);
    }
    if (load_process.pidfd >= 0)
        stand_in_serve(stand_in_reply_yes, INT32_MAX);
    const char *json = load_report();
    harness_contains("the report", json, "\"stopped_early\": true");
    report_count(json, "replied", stand_in_received);
}

static void ignore_sigint_and_hangup(void)
{
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
}

/* As in the background of a script, or under nohup. */
Test(system_udpload_ends, ignores_signals_that_were_ignored_at_its_start, .init = stand_in_open)
{
    const char *argv[] = {"udpload", "-n", "300", "-Q", "500", "-t", "5", stand_in_name, NULL};
    process_start(&load_process, ignore_sigint_and_hangup, argv);
    process_close_stdin(&load_process);
    stand_in_serve(stand_in_reply_yes, 20);
    process_kill(&load_process, SIGINT);
    process_kill(&load_process, SIGHUP);
    stand_in_serve(stand_in_reply_yes, INT32_MAX);
    process_wait(&load_process);
    harness_equal("requests", stand_in_received, 300);
    expect(strstr(load_text(0), "stopped early") == NULL, "expected no stop: %s", load_text(0));
}

/* An unfinished report is a file without a name, so that nothing of it is left. */
Test(system_udpload_ends, leaves_no_files_when_it_is_killed, .init = stand_in_open)
{
    int nameless = open(harness_path("."), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (nameless < 0)
        cr_skip_test("this file system makes no files without names");
    close(nameless);
    load_start("-l 1h -Q 500 -t 5 --json FILE @");
    stand_in_serve(stand_in_reply_yes, 100);
    process_kill(&load_process, SIGKILL);
    process_wait(&load_process);
    harness_contains("the directory",
                     harness_format("[%s]", run_ok(NULL, "ls", "-A", harness_path("."), NULL)),
                     "[]");
}

Test(system_udpload_ends, ends_at_once_and_without_a_report_when_interrupted_twice,
     .init = stand_in_open)
{
    load_start("-l 1h -Q 500 -t 1h --json FILE @");
    stand_in_serve(stand_in_ignore, 100);
    while (load_process.pidfd >= 0) {
        process_kill(&load_process, SIGINT);
        process_pump(&load_process, 50);
    }
    process_wait(&load_process);
    harness_equal("status", load_process.status, 1);
    harness_contains("error", load_text(1), "interrupted twice");
    expect(access(load_report_file(), F_OK) != 0, "expected no report");
    harness_contains("the directory",
                     harness_format("[%s]", run_ok(NULL, "ls", harness_path("."), NULL)), "[]");
}

Test(system_udpload_ends, reports_a_service_that_does_not_answer_and_continues,
     .init = stand_in_open)
{
    load_start("-n 50 -Q 100 -t 100ms -c 1000 --expect yes --json FILE @");
    stand_in_serve(stand_in_ignore, INT32_MAX);
    const char *json = load_report();
    harness_equal("status", load_process.status, 4);
    report_count(json, "lost", 50);
    report_count(json, "refused", 0);
    harness_contains("the report", json, "\"rotation\": null");
    harness_contains("error", load_text(1), "no reply within the timeout");
    harness_contains("error", load_text(1), stand_in_name);
    harness_equal("lines", (int64_t)text_count(load_text(1), "\n"), 1);
}

/* Expects one line on stderr that contains part, and no other output. */
static void expect_error(const char *words, int status, const char *part)
{
    load_start(words);
    process_wait(&load_process);
    harness_equal("status", load_process.status, status);
    harness_contains("error", load_text(1), part);
    harness_equal("lines", (int64_t)text_count(load_text(1), "\n"), 1);
    expect(load_text(0)[0] == '\0', "expected no report: %s", load_text(0));
    load_process = (struct process){.pid = 0};
}

/* ---- Replies ---- */

/* Runs against a closed port. Clients of an IPv4 loopback target share a socket, those of other
 * targets have their own. */
static const char *run_against_closed_port(const char *host)
{
    stand_in_open_at(host);
    udp_refuse(stand_in_udp);
    load_process = (struct process){.pid = 0};
    load_start("-n 50 -Q 200 -t 100ms -c 1000 --json FILE @");
    return load_report();
}

Test(system_udpload_ends, reports_a_closed_port_and_fails)
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
        harness_contains("error", load_text(1), "refused: no service listens on that UDP port");
        harness_equal("lines", (int64_t)text_count(load_text(1), "\n"), 1);
    }
}

static void answer_nine_of_ten(int number, const struct endpoint *from)
{
    if (number % 10 != 0)
        stand_in_send(from, "yes");
}

static void expect_status(const char *words, int status)
{
    stand_in_received = 0;
    load_process = (struct process){.pid = 0};
    load_start(words);
    stand_in_serve(answer_nine_of_ten, INT32_MAX);
    load_report();
    /* 3: the loss is tolerated, but another program slowed the sender down. */
    expect(load_process.status == status || (status == 0 && load_process.status == 3),
           "expected %s to end with %d, not %d", words, status, load_process.status);
}

Test(system_udpload_ends, fails_if_more_is_lost_than_tolerated, .init = stand_in_open)
{
    expect_status("-n 100 -Q 1000 -t 200ms --json FILE @", 0);
    expect_status("-n 100 -Q 1000 -t 2 --max-loss 10 --json FILE @", 0);
    expect_status("-n 100 -Q 1000 -t 200ms --max-loss 9.9% --json FILE @", 4);
    expect_status("-n 100 -Q 1000 -t 200ms --max-loss 0 --json FILE @", 4);
}

Test(system_udpload_ends, refuses_bad_input_in_one_line_and_sends_nothing, .init = stand_in_open)
{
    expect_error("-Q 0 @", 2, "bad --rate '0'");
    expect_error("-l 0 @", 2, "bad --duration '0'");
    expect_error("-n -1 @", 2, "bad --count '-1'");
    expect_error("-c 67108865 @", 2, "bad --clients '67108865': it is not a number from 1 to");
    expect_error("1::2::3", 2, "bad address '1::2::3'");
    expect_error("::1:3000", 2, "write [ADDRESS]:PORT");
    expect_error("fe80::1", 1, "needs its interface");
    expect_error("--json r --html r @", 2, "need a file each");
    expect_error("no-such-host.invalid", 1, "looking up no-such-host.invalid");
    expect_error("--json /nowhere/report @", 1, "cannot write /nowhere/report");
    expect_error("--html /nowhere/report --json FILE @", 1, "cannot write /nowhere/report");
    expect_error("--fanout --control /nowhere/sock @", 1, "/nowhere/sock");
    expect_error("--source 192.0.2.1 @", 1, "192.0.2.1: this host does not have that address");
    udp_expect_nothing(stand_in_udp, "nothing was sent");
    expect(access(load_report_file(), F_OK) != 0, "expected no report");
}

Test(system_udpload_ends, ends_the_search_if_nothing_is_answered, .init = stand_in_open)
{
    load_start("--find-max -Q 20 -l 100ms -t 50ms @");
    stand_in_serve(stand_in_ignore, INT32_MAX);
    process_wait(&load_process);
    harness_equal("status", load_process.status, 4);
    harness_contains("error", load_text(1), "no request was answered in 2 steps");
    harness_contains("the plan", load_text(0), "searching from 20/s in steps of 0.100 s: ");
    harness_contains("what is left", load_text(0), " left\n");
    harness_equal("steps", (int64_t)text_count(load_text(0), " 20/s  sent"), 2);
}

static void answer_wrongly(int number, const struct endpoint *from)
{
    (void)number;
    stand_in_send(from, "no");
}

Test(system_udpload_ends, finds_no_rate_if_all_replies_are_wrong, .init = stand_in_open)
{
    load_start("--find-max -Q 20 -l 100ms -t 5 --expect yes @");
    stand_in_serve(answer_wrongly, INT32_MAX);
    process_wait(&load_process);
    harness_equal("status", load_process.status, 4);
    harness_contains("error", load_text(1), "no rate that was tried holds");
    static const char *const steps[] = {" 20/s", " 10/s", " 5/s", " 2/s", " 1/s"};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        harness_contains("steps", load_text(0), steps[i]);
}

/* The sender may be late because of other programs. */
Test(system_udpload_ends, finds_a_rate_if_all_requests_are_answered, .init = stand_in_open)
{
    load_start("--find-max -Q 500 -l 200ms -t 2 --json FILE @");
    stand_in_serve(stand_in_reply_yes, 1500);
    process_kill(&load_process, SIGINT);
    stand_in_serve(stand_in_reply_yes, INT32_MAX);
    const char *json = load_report();
    expect(json_integer(json, "highest") >= 500, "expected a rate: %s", json);
    expect(strcmp(json_text(json, "limit"), "stopped") == 0, "expected it stopped: %s", json);
}

Test(system_udpload_ends, prints_a_line_for_each_requested_interval, .init = stand_in_open)
{
    load_start("-l 1 -S 250ms -Q 100 -t 5 --json FILE @");
    stand_in_serve(stand_in_reply_yes, INT32_MAX);
    const char *json = load_report();
    size_t intervals = text_count(json, "\"start_ms\"");
    expect(intervals >= 2, "expected some intervals: %s", json);
    harness_equal("lines", (int64_t)text_count(load_text(0), " - "), (int64_t)intervals);
}

Test(system_udpload_ends, prints_no_latency_if_nothing_was_answered, .init = stand_in_open)
{
    load_start("-l 200ms -S 100ms -Q 100 -t 50ms --json FILE @");
    stand_in_serve(stand_in_ignore, INT32_MAX);
    load_report();
    harness_contains("the lines", load_text(0), " -            -            -\n");
    expect(strstr(load_text(0), "0.000            0.000") == NULL, "expected no latency: %s",
           load_text(0));
}

/* ---- udpsrv ---- */

Test(system_udpload_ends, finds_an_even_rotation_of_udpsrv)
{
    struct server server = {0};
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    stand_in_name = endpoint_text(&server.at[0]);
    load_start("-n 3001 -Q max -t 10 -T 8 --expect audi,toyota,bmw --json FILE @");
    const char *json = load_report();
    report_exact(json);
    report_count(json, "replied", 3001);
    report_count(json, "toyota", 1000);
    harness_contains("the text", load_text(0), "rotation: even");
    harness_equal("answered", server_stat(&server, "replied"), 3001);
    server_stop(&server);
}
