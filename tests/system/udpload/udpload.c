/* Tests of udpload against a service of the test, whose faults are known. */

#include "udpload_stand_in.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

TestSuite(system_udpload, .fini = harness_end, .timeout = 60);

enum { STALL_MS = 300 };

/* ---- Counts ---- */

static void answer_with_faults(int number, const struct endpoint *from)
{
    if (number % 100 == 0)
        return;
    stand_in_send(from, number % 20 == 0 ? "no" : "yes");
    if (number % 50 == 0)
        stand_in_send(from, "yes");
}

Test(system_udpload, counts_dropped_doubled_and_wrong_replies_exactly, .init = stand_in_open)
{
    load_start("-n 2000 -Q 1000 -t 2 -c 20000 --expect yes --json FILE @");
    stand_in_serve(answer_with_faults, INT32_MAX);
    const char *json = load_report();
    report_exact(json);
    report_count(json, "sent", 2000);
    report_count(json, "lost", 20);
    report_count(json, "duplicate", 20);
    report_count(json, "wrong", 80);
    report_count(json, "replied", 1900);
    report_count(json, "late", 0);
    report_count(json, "unsolicited", 0);
    report_count(json, "send_errors", 0);
    report_count(json, "yes", 1900);
    harness_equal("requests received", stand_in_received, 2000);
    expect(load_text(1)[0] == '\0', "expected nothing on stderr of a pipe: %s", load_text(1));
}

static void answer_with_faults_over_sockets(int number, const struct endpoint *from)
{
    if (number % 10 == 0)
        return;
    stand_in_send(from, "yes");
    if (number % 7 == 0)
        stand_in_send(from, "yes");
}

Test(system_udpload, counts_exactly_over_sockets_and_threads_too)
{
    stand_in_open_at("::1");
    load_start("-n 500 -Q 500 -t 2 -c 3000 -T 8 --json FILE @");
    stand_in_serve(answer_with_faults_over_sockets, INT32_MAX);
    const char *json = load_report();
    report_exact(json);
    report_count(json, "sent", 500);
    report_count(json, "lost", 50);
    report_count(json, "duplicate", 500 / 7 - 500 / 70);
}

static void broadcast_between(int number, const struct endpoint *from)
{
    static struct endpoint last;
    stand_in_send(from, "yes");
    if (number % 7 == 0)
        stand_in_send(&last, "news");
    last = *from;
}

Test(system_udpload, does_not_count_a_broadcast_as_a_reply, .init = stand_in_open)
{
    load_start("-n 700 -Q 1000 -t 5 -c 2000 --expect yes --json FILE @");
    stand_in_serve(broadcast_between, INT32_MAX);
    const char *json = load_report();
    report_exact(json);
    report_count(json, "replied", 700);
    report_count(json, "unsolicited", 100);
    report_count(json, "wrong", 0);
}

static struct endpoint delayed[5];
static int64_t delayed_until_ms;

/* Each tenth of the first fifty requests is answered between one and two timeouts later. */
static void answer_some_late(int number, const struct endpoint *from)
{
    if (number <= 50 && number % 10 == 0)
        delayed[number / 10 - 1] = *from;
    else
        stand_in_send(from, "yes");
    if (number == 50)
        delayed_until_ms = harness_now_ms() + 6000;
    if (delayed_until_ms && harness_now_ms() >= delayed_until_ms) {
        for (int i = 0; i < 5; i++)
            stand_in_send(&delayed[i], "yes");
        delayed_until_ms = 0;
    }
}

Test(system_udpload, counts_late_replies, .init = stand_in_open)
{
    load_start("-n 1500 -Q 200 -t 4 -c 20000 --json FILE @");
    stand_in_serve(answer_some_late, INT32_MAX);
    const char *json = load_report();
    report_exact(json);
    report_count(json, "sent", 1500);
    report_count(json, "lost", 5);
    report_count(json, "late", 5);
    report_count(json, "duplicate", 0);
}

/* No request follows that the run would wait for. */
static void answer_but_the_last(int number, const struct endpoint *from)
{
    if (number > 95)
        delayed[number - 96] = *from;
    else
        stand_in_send(from, "yes");
}

Test(system_udpload, counts_late_replies_to_the_last_requests_too, .init = stand_in_open)
{
    load_start("-n 100 -Q 500 -t 2 -c 1000 --json FILE @");
    stand_in_serve(answer_but_the_last, 100);
    harness_wait_ms(3000);
    for (int i = 0; i < 5; i++)
        stand_in_send(&delayed[i], "yes");
    const char *json = load_report();
    report_exact(json);
    report_count(json, "lost", 5);
    report_count(json, "late", 5);
}

Test(system_udpload, reports_inexact_counts_when_requests_overlap, .init = stand_in_open)
{
    load_start("-n 20 -Q 1000 -t 200ms -c 2 --json FILE @");
    stand_in_serve(stand_in_ignore, INT32_MAX);
    const char *json = load_report();
    expect(strcmp(json_text(json, "attribution"), "by order") == 0,
           "expected matching by order: %s", json);
    report_count(json, "lost", 20);
    harness_contains("the text", load_text(0), "attribution: by order");
}

Test(system_udpload, does_not_count_the_warm_up, .init = stand_in_open)
{
    load_start("-O 500ms -n 100 -Q 500 -t 5 --json FILE @");
    stand_in_serve(stand_in_reply_yes, INT32_MAX);
    const char *json = load_report();
    report_count(json, "sent", 100);
    report_count(json, "replied", 100);
    report_count(json, "yes", 100);
    harness_equal("requests received", stand_in_received, 350);
}

/* Only the first reply may wake it up: no schedule, no end and no interval is near. */
Test(system_udpload, starts_at_once_without_a_rate, .init = stand_in_open)
{
    load_start("-Q max -n 10 -S 1h -t 5 --json FILE @");
    stand_in_serve(stand_in_reply_yes, INT32_MAX);
    report_count(load_report(), "replied", 10);
}

static void answer_after_a_tick(int number, const struct endpoint *from)
{
    (void)number;
    harness_wait_ms(20);
    stand_in_send(from, "yes");
}

/* Without a rate, a request lasts until its reply. */
Test(system_udpload, has_a_rate_when_it_sends_one_request, .init = stand_in_open)
{
    load_start("-n 1 -Q max -t 5 --json FILE @");
    stand_in_serve(answer_after_a_tick, INT32_MAX);
    const char *json = load_report();
    report_count(json, "replied", 1);
    const char *rates = strstr(json, "\"achieved\": ");
    expect(rates != NULL, "expected rates: %s", json);
    double achieved = strtod(rates + strlen("\"achieved\": "), NULL);
    expect(achieved > 0 && achieved <= 50, "expected at most one in 20 ms: %s", json);
    const char *duration = strstr(json, "\"duration_s\": ");
    expect(duration && strtod(duration + strlen("\"duration_s\": "), NULL) >= 0.02,
           "expected 20 ms: %s", json);
}

/* ---- Clients ---- */

static uint32_t seen_ips[200];
static uint16_t seen_ports[200];

static void answer_and_remember(int number, const struct endpoint *from)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&from->sockaddr;
    seen_ips[number % 200] = ntohl(in->sin_addr.s_addr);
    seen_ports[number % 200] = ntohs(in->sin_port);
    stand_in_send(from, "yes");
}

Test(system_udpload, gives_each_client_its_own_address_on_loopback, .init = stand_in_open)
{
    load_start("-n 200 -c 200 -Q 2000 -t 5 --json FILE @");
    stand_in_serve(answer_and_remember, INT32_MAX);
    report_count(load_report(), "replied", 200);
    for (int i = 0; i < 200; i++) {
        expect(seen_ips[i] >> 24 == 127 && seen_ips[i] != INADDR_LOOPBACK, "expected 127/8");
        for (int j = 0; j < i; j++)
            expect(seen_ips[i] != seen_ips[j], "expected another address for each");
    }
}

Test(system_udpload, gives_each_client_its_own_port_at_the_sources, .init = stand_in_open)
{
    load_start("-n 200 -c 200 -Q 2000 -t 5 --source 127.0.0.8 --source 127.0.0.9 --json FILE @");
    stand_in_serve(answer_and_remember, INT32_MAX);
    report_count(load_report(), "replied", 200);
    for (int i = 0; i < 200; i++) {
        expect((seen_ips[i] & ~1u) == 0x7f000008, "expected one of the sources");
        for (int j = 0; j < i; j++)
            expect(seen_ips[i] != seen_ips[j] || seen_ports[i] != seen_ports[j],
                   "expected another source for each");
    }
}

/* ---- Stalls ---- */

/* In milliseconds. */
static double percentile(const char *json, const char *kind, const char *which)
{
    const char *key = harness_format("\"%s\": ", which);
    const char *found = strstr(json, harness_format("\"%s\": {", kind));
    found = found ? strstr(found, key) : NULL;
    expect(found != NULL, "expected the %s of %s: %s", which, kind, json);
    return strtod(found + strlen(key), NULL) / 1000;
}

Test(system_udpload, shows_a_stall_of_the_sender_only_in_the_corrected_latency,
     .init = stand_in_open)
{
    load_start("-n 2000 -Q 1000 -t 5 -c 20000 --json FILE @");
    stand_in_serve(stand_in_reply_yes, 500);
    process_kill(&load_process, SIGSTOP);
    harness_wait_ms(STALL_MS);
    process_kill(&load_process, SIGCONT);
    stand_in_serve(stand_in_reply_yes, INT32_MAX);
    const char *json = load_report();
    report_count(json, "replied", 2000);
    /* 300 of 2000 requests were due during the stall and were sent up to 300 ms late. */
    double corrected = percentile(json, "corrected", "p90"), raw = percentile(json, "raw", "p90");
    expect(corrected >= STALL_MS / 4, "expected the stall in %s", json);
    /* The requests that were under way at SIGSTOP are too few for p90, but a busy machine may delay
     * others. */
    expect(raw < corrected / 2 + (double)stand_in_pause_ms, "expected no stall in %s", json);
    expect(load_process.status == 3, "expected the sender to report it: %s", json);
}

static void stall_once(int number, const struct endpoint *from)
{
    if (number == 500)
        harness_wait_ms(STALL_MS);
    stand_in_send(from, "yes");
}

Test(system_udpload, shows_a_stall_of_the_server_in_both_latencies, .init = stand_in_open)
{
    load_start("-n 2000 -Q 1000 -t 5 -c 20000 --json FILE @");
    stand_in_serve(stall_once, INT32_MAX);
    const char *json = load_report();
    report_exact(json);
    report_count(json, "replied", 2000);
    expect(percentile(json, "corrected", "p99") >= STALL_MS / 2, "expected the stall in %s", json);
    expect(percentile(json, "raw", "p99") >= STALL_MS / 2, "expected the stall in %s", json);
}
