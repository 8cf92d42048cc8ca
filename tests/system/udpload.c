/* udpload against a service that the test itself plays, and whose faults are therefore known. */

#include "harness.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_udpload, .fini = harness_end, .timeout = 60);

enum { STALL_MS = 300, WORDS_MAX = 40 };

/* The service. */
static int udp;
static const char *name; /* its address */
static struct process load;

/* What it does with each request; number counts from 1. */
typedef void serve_one(int number, const struct endpoint *from);

static int served;

static void begin_at(const char *local)
{
    int room = 4 << 20;
    udp = udp_open(local);
    setsockopt(udp, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    struct endpoint at = udp_name(udp);
    name = endpoint_text(&at);
}

static void begin(void)
{
    begin_at("127.0.0.1");
}

static const char *report_file(void)
{
    return harness_path("report.json");
}

/* Starts udpload with words from a text, of which @ is the service's name and FILE the report's. */
static void start(const char *words)
{
    const char *argv[WORDS_MAX] = {"udpload"};
    char *rest = strdup(words);
    int count = 1;
    for (char *word = strtok(rest, " "); word && count < WORDS_MAX - 1; word = strtok(NULL, " "))
        argv[count++] = strcmp(word, "@") == 0      ? name
                        : strcmp(word, "FILE") == 0 ? report_file()
                                                    : harness_format("%s", word);
    process_start(&load, NULL, argv);
    process_close_stdin(&load);
    free(rest);
}

static void say(const struct endpoint *to, const char *text)
{
    udp_say(udp, to, text);
}

/* Serves until udpload has ended, or so many requests in all have come. */
static void serve_until(serve_one *serve, int count)
{
    char bytes[2048];
    struct pollfd waits[] = {{.fd = udp, .events = POLLIN}, {.fd = load.pidfd, .events = POLLIN}};
    while (served < count) {
        struct endpoint from = {.size = sizeof from.sockaddr};
        if (recvfrom(udp, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *)&from.sockaddr,
                     &from.size) >= 0) {
            serve(++served, &from);
            continue;
        }
        expect(poll(waits, 2, HARNESS_DEADLINE_MS) > 0, "expected requests, or an end");
        if (waits[1].revents && !waits[0].revents)
            return;
    }
}

static const char *text_of(int stream)
{
    return load.texts[stream].data ? load.texts[stream].data : "";
}

/* The report, once udpload has ended. A busy machine may keep it from keeping up, which it then
 * says. */
static const char *report(void)
{
    process_wait(&load);
    expect(load.status == 0 || load.status == 3, "expected status 0 or 3, it was %d: %s",
           load.status, text_of(1));
    const char *json = run_ok(NULL, "cat", report_file(), NULL);
    bool kept_up = strstr(json, "\"kept_up\": true") != NULL;
    expect(kept_up == (load.status == 0), "expected the status to agree with kept_up: %s", json);
    harness_contains("the text", text_of(0),
                     kept_up ? "sender kept up: yes" : "sender kept up: no");
    harness_equal("replied, wrong and lost",
                  json_integer(json, "replied") + json_integer(json, "wrong") +
                      json_integer(json, "lost"),
                  json_integer(json, "sent"));
    return json;
}

static void expect_count(const char *json, const char *what, int64_t count)
{
    harness_equal(what, json_integer(json, what), count);
}

static void expect_exact(const char *json)
{
    expect(strcmp(json_text(json, "attribution"), "exact") == 0, "expected it to be exact: %s",
           json);
}

/* In milliseconds. */
static double p99(const char *json, const char *kind)
{
    const char *found = strstr(json, harness_format("\"%s\": {", kind));
    found = found ? strstr(found, "\"p99\": ") : NULL;
    expect(found != NULL, "expected the p99 of %s: %s", kind, json);
    return strtod(found + strlen("\"p99\": "), NULL) / 1000;
}

static void answer_all(int number, const struct endpoint *from)
{
    (void)number;
    say(from, "yes");
}

static void answer_nobody(int number, const struct endpoint *from)
{
    (void)number;
    (void)from;
}

/* ---- Counts ---- */

static void answer_with_faults(int number, const struct endpoint *from)
{
    if (number % 100 == 0)
        return;
    say(from, number % 20 == 0 ? "no" : "yes");
    if (number % 50 == 0)
        say(from, "yes");
}

Test(system_udpload, counts_what_is_dropped_doubled_and_wrong_exactly, .init = begin)
{
    start("-n 2000 -Q 1000 -t 2 -c 20000 --expect yes --json FILE @");
    serve_until(answer_with_faults, INT32_MAX);
    const char *json = report();
    expect_exact(json);
    expect_count(json, "sent", 2000);
    expect_count(json, "lost", 20);
    expect_count(json, "duplicate", 20);
    expect_count(json, "wrong", 80);
    expect_count(json, "replied", 1900);
    expect_count(json, "late", 0);
    expect_count(json, "unsolicited", 0);
    expect_count(json, "send_errors", 0);
    expect_count(json, "yes", 1900);
    harness_equal("requests that came", served, 2000);
    expect(text_of(1)[0] == '\0', "expected nothing on stderr of a pipe: %s", text_of(1));
}

static void answer_like_faults_over_sockets(int number, const struct endpoint *from)
{
    if (number % 10 == 0)
        return;
    say(from, "yes");
    if (number % 7 == 0)
        say(from, "yes");
}

Test(system_udpload, counts_exactly_over_sockets_and_threads_too)
{
    begin_at("::1");
    start("-n 500 -Q 500 -t 2 -c 3000 -T 2 --json FILE @");
    serve_until(answer_like_faults_over_sockets, INT32_MAX);
    const char *json = report();
    expect_exact(json);
    expect_count(json, "sent", 500);
    expect_count(json, "lost", 50);
    expect_count(json, "duplicate", 500 / 7 - 500 / 70);
}

static void broadcast_between(int number, const struct endpoint *from)
{
    static struct endpoint last;
    say(from, "yes");
    if (number % 7 == 0)
        say(&last, "news");
    last = *from;
}

Test(system_udpload, takes_no_broadcast_for_a_reply, .init = begin)
{
    start("-n 700 -Q 1000 -t 5 -c 2000 --expect yes --json FILE @");
    serve_until(broadcast_between, INT32_MAX);
    const char *json = report();
    expect_exact(json);
    expect_count(json, "replied", 700);
    expect_count(json, "unsolicited", 100);
    expect_count(json, "wrong", 0);
}

static struct endpoint held[5];
static int64_t held_until_ms;

/* Each tenth of the first fifty is answered between one timeout and two later. */
static void answer_some_late(int number, const struct endpoint *from)
{
    if (number <= 50 && number % 10 == 0)
        held[number / 10 - 1] = *from;
    else
        say(from, "yes");
    if (number == 50)
        held_until_ms = harness_now_ms() + 1500;
    if (held_until_ms && harness_now_ms() >= held_until_ms) {
        for (int i = 0; i < 5; i++)
            say(&held[i], "yes");
        held_until_ms = 0;
    }
}

Test(system_udpload, knows_late_replies, .init = begin)
{
    start("-n 1250 -Q 500 -t 1 -c 20000 --json FILE @");
    serve_until(answer_some_late, INT32_MAX);
    const char *json = report();
    expect_exact(json);
    expect_count(json, "sent", 1250);
    expect_count(json, "lost", 5);
    expect_count(json, "late", 5);
    expect_count(json, "duplicate", 0);
}

/* Nothing more is sent that the run would wait for. */
static void answer_but_the_last(int number, const struct endpoint *from)
{
    if (number > 95)
        held[number - 96] = *from;
    else
        say(from, "yes");
}

Test(system_udpload, knows_the_last_replies_as_late_too, .init = begin)
{
    start("-n 100 -Q 500 -t 2 -c 1000 --json FILE @");
    serve_until(answer_but_the_last, 100);
    harness_tick(3000);
    for (int i = 0; i < 5; i++)
        say(&held[i], "yes");
    const char *json = report();
    expect_exact(json);
    expect_count(json, "lost", 5);
    expect_count(json, "late", 5);
}

Test(system_udpload, promises_no_exact_counts_when_requests_overlap, .init = begin)
{
    start("-n 20 -Q 1000 -t 200ms -c 2 --json FILE @");
    serve_until(answer_nobody, INT32_MAX);
    const char *json = report();
    expect(strcmp(json_text(json, "attribution"), "by order") == 0, "expected no promise: %s",
           json);
    expect_count(json, "lost", 20);
    harness_contains("the text", text_of(0), "attribution: by order");
}

Test(system_udpload, leaves_the_warm_up_out_of_the_counts, .init = begin)
{
    start("-O 500ms -n 100 -Q 500 -t 5 --json FILE @");
    serve_until(answer_all, INT32_MAX);
    const char *json = report();
    expect_count(json, "sent", 100);
    expect_count(json, "replied", 100);
    expect_count(json, "yes", 100);
    harness_equal("requests that came", served, 350);
}

/* Nothing but the first request may wake it: no schedule, no end, no interval comes soon. */
Test(system_udpload, begins_at_once_when_it_goes_as_fast_as_it_can, .init = begin)
{
    start("-Q max -n 10 -S 1h -t 5 --json FILE @");
    serve_until(answer_all, INT32_MAX);
    expect_count(report(), "replied", 10);
}

/* ---- Clients ---- */

static uint32_t seen_ips[200];
static uint16_t seen_ports[200];

static void answer_and_remember(int number, const struct endpoint *from)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&from->sockaddr;
    seen_ips[number % 200] = ntohl(in->sin_addr.s_addr);
    seen_ports[number % 200] = ntohs(in->sin_port);
    say(from, "yes");
}

Test(system_udpload, gives_each_client_an_address_of_its_own_on_loopback, .init = begin)
{
    start("-n 200 -c 200 -Q 2000 -t 5 --json FILE @");
    serve_until(answer_and_remember, INT32_MAX);
    expect_count(report(), "replied", 200);
    for (int i = 0; i < 200; i++) {
        expect(seen_ips[i] >> 24 == 127 && seen_ips[i] != INADDR_LOOPBACK, "expected 127/8");
        for (int j = 0; j < i; j++)
            expect(seen_ips[i] != seen_ips[j], "expected another address for each");
    }
}

Test(system_udpload, gives_each_client_a_port_of_its_own_at_the_sources, .init = begin)
{
    start("-n 200 -c 200 -Q 2000 -t 5 --source 127.0.0.8 --source 127.0.0.9 --json FILE @");
    serve_until(answer_and_remember, INT32_MAX);
    expect_count(report(), "replied", 200);
    for (int i = 0; i < 200; i++) {
        expect((seen_ips[i] & ~1u) == 0x7f000008, "expected one of the sources");
        for (int j = 0; j < i; j++)
            expect(seen_ips[i] != seen_ips[j] || seen_ports[i] != seen_ports[j],
                   "expected another source for each");
    }
}

/* ---- Stalls ---- */

Test(system_udpload, shows_a_stall_of_its_own_in_the_corrected_latency_alone, .init = begin)
{
    start("-n 2000 -Q 1000 -t 5 -c 20000 --json FILE @");
    serve_until(answer_all, 500);
    process_kill(&load, SIGSTOP);
    harness_tick(STALL_MS);
    process_kill(&load, SIGCONT);
    serve_until(answer_all, INT32_MAX);
    const char *json = report();
    expect_count(json, "replied", 2000);
    /* 300 of 2000 were due meanwhile, and sent up to 300 ms late. */
    expect(p99(json, "corrected") >= STALL_MS / 2, "expected the stall in %s", json);
    expect(p99(json, "raw") < p99(json, "corrected") / 2, "expected no stall in %s", json);
    expect(load.status == 3, "expected the sender to admit it: %s", json);
}

static void stall_once(int number, const struct endpoint *from)
{
    if (number == 500)
        harness_tick(STALL_MS);
    say(from, "yes");
}

Test(system_udpload, shows_a_stall_of_the_server_in_both_latencies, .init = begin)
{
    start("-n 2000 -Q 1000 -t 5 -c 20000 --json FILE @");
    serve_until(stall_once, INT32_MAX);
    const char *json = report();
    expect_exact(json);
    expect_count(json, "replied", 2000);
    expect(p99(json, "corrected") >= STALL_MS / 2, "expected the stall in %s", json);
    expect(p99(json, "raw") >= STALL_MS / 2, "expected the stall in %s", json);
}

/* ---- Ends ---- */

Test(system_udpload, ends_early_with_a_true_report_when_interrupted, .init = begin)
{
    start("-l 1h -Q 500 -t 5 --json FILE @");
    serve_until(answer_all, 100);
    process_kill(&load, SIGINT);
    serve_until(answer_all, INT32_MAX);
    const char *json = report();
    expect_count(json, "sent", served);
    expect_count(json, "replied", served);
    harness_contains("the report", json, "\"stopped_early\": true");
}

/* As timeout(1) does it: to the process, and to its group. */
Test(system_udpload, takes_two_interrupts_at_once_for_one, .init = begin)
{
    start("-l 1h -Q 500 -t 5 --json FILE @");
    serve_until(answer_all, 100);
    process_kill(&load, SIGINT);
    process_kill(&load, SIGTERM);
    serve_until(answer_all, INT32_MAX);
    harness_contains("the report", report(), "\"stopped_early\": true");
}

/* No end leaves half a report: what was begun has no name before it is whole. */
Test(system_udpload, leaves_nothing_behind_when_it_is_killed, .init = begin)
{
    int nameless = open(harness_path("."), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (nameless < 0)
        cr_skip_test("this file system makes no files without names");
    close(nameless);
    start("-l 1h -Q 500 -t 5 --json FILE @");
    serve_until(answer_all, 100);
    process_kill(&load, SIGKILL);
    process_wait(&load);
    harness_contains("the directory",
                     harness_format("[%s]", run_ok(NULL, "ls", "-A", harness_path("."), NULL)),
                     "[]");
}

Test(system_udpload, ends_at_once_and_without_a_report_when_interrupted_twice, .init = begin)
{
    start("-l 1h -Q 500 -t 1h --json FILE @");
    serve_until(answer_nobody, 100);
    while (load.pidfd >= 0) {
        process_kill(&load, SIGINT);
        process_pump(&load, 50);
    }
    process_wait(&load);
    harness_equal("status", load.status, 1);
    harness_contains("complaint", text_of(1), "interrupted twice");
    expect(access(report_file(), F_OK) != 0, "expected no report");
    harness_contains("the directory",
                     harness_format("[%s]", run_ok(NULL, "ls", harness_path("."), NULL)), "[]");
}

Test(system_udpload, says_that_nobody_answers_and_goes_on, .init = begin)
{
    start("-n 50 -Q 100 -t 100ms -c 1000 --expect yes --json FILE @");
    serve_until(answer_nobody, INT32_MAX);
    const char *json = report();
    expect_count(json, "lost", 50);
    harness_contains("the report", json, "\"rotation\": null");
    harness_contains("complaint", text_of(1), "no reply within the timeout");
    harness_contains("complaint", text_of(1), name);
    harness_equal("lines", (int64_t)text_count(text_of(1), "\n"), 1);
}

Test(system_udpload, says_that_the_port_is_closed_and_goes_on)
{
    begin_at("::1");
    close(udp);
    start("-n 50 -Q 100 -t 100ms -c 1000 --json FILE @");
    expect_count(report(), "lost", 50);
    harness_contains("complaint", text_of(1), "refused");
    harness_equal("lines", (int64_t)text_count(text_of(1), "\n"), 1);
}

/* Expects one line on stderr, with that in it, and nothing else. */
static void expect_complaint(const char *words, int status, const char *part)
{
    start(words);
    process_wait(&load);
    harness_equal("status", load.status, status);
    harness_contains("complaint", text_of(1), part);
    harness_equal("lines", (int64_t)text_count(text_of(1), "\n"), 1);
    expect(text_of(0)[0] == '\0', "expected no report: %s", text_of(0));
    load = (struct process){.pid = 0};
}

Test(system_udpload, refuses_bad_input_in_one_line_and_sends_nothing, .init = begin)
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
    udp_expect_nothing(udp, "nothing was sent");
    expect(access(report_file(), F_OK) != 0, "expected no report");
}

Test(system_udpload, seeks_no_rate_where_nothing_is_answered, .init = begin)
{
    start("--find-max -Q 20 -l 100ms -t 50ms @");
    serve_until(answer_nobody, INT32_MAX);
    process_wait(&load);
    harness_equal("status", load.status, 1);
    harness_contains("complaint", text_of(1), "nothing was answered at all, in 2 steps");
    harness_equal("steps", (int64_t)text_count(text_of(0), " 20/s"), 2);
}

static void answer_wrongly(int number, const struct endpoint *from)
{
    (void)number;
    say(from, "no");
}

Test(system_udpload, finds_no_rate_that_holds_where_all_is_wrong, .init = begin)
{
    start("--find-max -Q 20 -l 100ms -t 5 --expect yes @");
    serve_until(answer_wrongly, INT32_MAX);
    process_wait(&load);
    harness_equal("status", load.status, 1);
    harness_contains("complaint", text_of(1), "no rate that was tried holds");
    static const char *const steps[] = {" 20/s", " 10/s", " 5/s", " 2/s", " 1/s"};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        harness_contains("steps", text_of(0), steps[i]);
}

/* However late the sender is beside whatever else runs here. */
Test(system_udpload, blames_no_service_that_answers_all, .init = begin)
{
    start("--find-max -Q 500 -l 200ms -t 2 --json FILE @");
    serve_until(answer_all, 1500);
    process_kill(&load, SIGINT);
    serve_until(answer_all, INT32_MAX);
    const char *json = report();
    expect(json_integer(json, "highest") >= 500, "expected a rate: %s", json);
    expect(strcmp(json_text(json, "limit"), "stopped") == 0, "expected it stopped: %s", json);
}

Test(system_udpload, prints_a_line_for_each_interval_when_asked_to, .init = begin)
{
    start("-l 1 -S 250ms -Q 100 -t 5 --json FILE @");
    serve_until(answer_all, INT32_MAX);
    const char *json = report();
    size_t intervals = text_count(json, "\"start_ms\"");
    expect(intervals >= 2, "expected some intervals: %s", json);
    harness_equal("lines", (int64_t)text_count(text_of(0), " - "), (int64_t)intervals);
}

Test(system_udpload, prints_no_latency_where_nothing_was_answered, .init = begin)
{
    start("-l 200ms -S 100ms -Q 100 -t 50ms --json FILE @");
    serve_until(answer_nobody, INT32_MAX);
    report();
    harness_contains("the lines", text_of(0), " -            -            -\n");
    expect(strstr(text_of(0), "0.000            0.000") == NULL, "expected no latency: %s",
           text_of(0));
}

/* ---- The server itself ---- */

Test(system_udpload, finds_the_rotation_of_the_server_even)
{
    struct server server = {0};
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    name = endpoint_text(&server.at[0]);
    start("-n 3001 -Q max -t 10 -T 2 --expect audi,toyota,bmw --json FILE @");
    const char *json = report();
    expect_exact(json);
    expect_count(json, "replied", 3001);
    expect_count(json, "toyota", 1000);
    harness_contains("the text", text_of(0), "rotation: even");
    harness_equal("answered", server_stat(&server, "replied"), 3001);
    server_stop(&server);
}

Test(system_udpload, counts_the_copies_of_broadcasts)
{
    struct server server = {0};
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    name = endpoint_text(&server.at[0]);
    start(harness_format("--fanout --control %s -c 3000 -n 3 -t 2 -T 2 --json FILE @",
                         server.socket));
    const char *json = report();
    expect_count(json, "sent", 3000);
    expect_count(json, "broadcasts", 3);
    expect_count(json, "expected", 9000);
    expect_count(json, "received", 9000);
    expect_count(json, "missing", 0);
    expect_count(json, "doubled", 0);
    harness_equal("copies", server_stat(&server, "copies_sent"), 9000);
    server_stop(&server);
}
