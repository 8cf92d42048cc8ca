/* Tests of the text report. */
#include "load/report/report_text.h"

#include "load/report/report_json.h"
#include "load_report_fixture.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

static void expect_line(const char *text, const char *start)
{
    size_t length = strlen(start);
    for (const char *line = text; line; line = strchr(line, '\n'), line += line ? 1 : 0)
        if (strncmp(line, start, length) == 0)
            return;
    cr_assert_fail("no line begins with '%s' in:\n%s", start, text);
}

/* Reads number `word` (from 0) of the first line with that label after a heading. */
static void read_number(const char *text, const char *heading, const char *label, int word,
                        char number[32])
{
    char start[64];
    const char *at = strstr(text, heading);
    cr_assert_not_null(at, "no '%s'", heading);
    snprintf(start, sizeof start, "\n  %s ", label);
    at = strstr(at, start);
    cr_assert_not_null(at, "no '%s' below '%s'", label, heading);
    at += strlen(start);
    for (int i = 0; i <= word; i++) {
        at += strspn(at, " ");
        cr_assert_eq(sscanf(at, "%31s", number), 1);
        at += strlen(number);
    }
}

static void expect_same(const char *text, const char *heading, const char *label, int word,
                        const char *json, const char *path)
{
    char number[32];
    read_number(text, heading, label, word, number);
    const char *value = report_json_member(json, path);
    cr_assert_not_null(value, "no %s", path);
    size_t length = (size_t)(report_json_value(value) - value);
    cr_assert(strlen(number) == length && strncmp(number, value, length) == 0,
              "%s reads %s as text and %.*s as JSON", path, number, (int)length, value);
}

Test(report_text, agrees_with_json_to_the_digit)
{
    static const char *const counts[][2] = {{"sent", "sent"},
                                            {"replied", "replied"},
                                            {"wrong", "wrong"},
                                            {"lost", "lost"},
                                            {"late", "late"},
                                            {"duplicate", "duplicate"},
                                            {"unsolicited", "unsolicited"},
                                            {"send errors", "send_errors"},
                                            {"own drops", "own_drops"},
                                            {"challenged", "challenged"},
                                            {"refused", "refused"}};
    static const char *const rates[] = {"requested", "achieved", "answered"};
    static const char *const latencies[][2] = {
        {"min", "min"}, {"mean", "mean"}, {"p50", "p50"},    {"p90", "p90"},     {"p95", "p95"},
        {"p99", "p99"}, {"max", "max"},   {"p99.9", "p999"}, {"p99.99", "p9999"}};
    static const char *const replies[] = {"audi", "toyota", "bmw", "(other)"};
    static const char *const copies[] = {"broadcasts", "targets", "expected", "received", "missing",
                                         "doubled",    "first",   "median",   "last"};
    struct load_result result = report_sample();
    char *text = report_print(report_text, &result), *json = report_print(report_json, &result);
    char path[64];

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        expect_same(text, "requests\n", counts[i][0], 0, json, counts[i][1]);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "rates.%s", rates[i]);
        expect_same(text, "rate, per second\n", rates[i], 0, json, path);
    }
    for (size_t i = 0; i < sizeof latencies / sizeof *latencies; i++) {
        snprintf(path, sizeof path, "latency.corrected.%s", latencies[i][1]);
        expect_same(text, "latency, us", latencies[i][0], 0, json, path);
        snprintf(path, sizeof path, "latency.raw.%s", latencies[i][1]);
        expect_same(text, "latency, us", latencies[i][0], 1, json, path);
    }
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "replies.%s", replies[i]);
        expect_same(text, "replies\n", replies[i], 0, json, path);
    }
    for (size_t i = 0; i < sizeof copies / sizeof *copies; i++) {
        snprintf(path, sizeof path, "fanout.%s", copies[i]);
        expect_same(text, "fan-out, copies\n", copies[i], 0, json, path);
    }
    expect_same(text, "sender\n", "cpu share", 0, json, "cpu_share");
    expect_same(text, "schedule lag, us\n", "  p50", 0, json, "lag.p50");
    expect_same(text, "schedule lag, us\n", "  p99", 0, json, "lag.p99");
    expect_same(text, "schedule lag, us\n", "  max", 0, json, "lag.max");
    free(text);
    free(json);
    load_result_free(&result);
}

Test(report_text, has_the_confirmations_of_the_json_report)
{
    static const char *const confirmations[][2] = {{"clients", "clients"},
                                                   {"confirmed", "confirmed"},
                                                   {"silent", "silent"},
                                                   {"seen twice", "seen_twice"},
                                                   {"frames", "frames"},
                                                   {"frames dropped", "frames_dropped"},
                                                   {"frames repeated", "frames_repeated"},
                                                   {"confirmations", "confirmations"},
                                                   {"confirms dropped", "confirmations_dropped"},
                                                   {"confirms failed", "confirmations_failed"},
                                                   {"server: confirmed", "server_confirmed"},
                                                   {"server: silent", "server_silent"},
                                                   {"server: plain", "plain"},
                                                   {"server: rounds", "rounds"},
                                                   {"server: datagrams", "datagrams"},
                                                   {"datagrams a client", "datagrams_per_client"},
                                                   {"median", "median"},
                                                   {"p99", "p99"},
                                                   {"last", "last"}};
    struct load_result result = report_sample();
    char *text = report_print(report_text, &result), *json = report_print(report_json, &result);
    char path[64];

    for (size_t i = 0; i < sizeof confirmations / sizeof *confirmations; i++) {
        snprintf(path, sizeof path, "fanout.confirm.%s", confirmations[i][1]);
        expect_same(text, "fan-out, confirmations\n", confirmations[i][0], 0, json, path);
    }
    free(text);
    free(json);
    load_result_free(&result);
}

Test(report_text, begins_with_the_verdict)
{
    struct load_result result = report_sample();
    char *text = report_print(report_text, &result);
    expect_line(text, "127.0.0.1:3000: 10.000 s, 1000 clients, 2 threads, timeout 1.000 s\n"
                      "sender kept up: yes\nanswered enough: yes\nattribution: exact\n");
    expect_line(text, "rotation: even\n");
    free(text);

    result.kept_up = result.exact = result.rotation_even = false;
    result.why_not = "the schedule lagged by 3 ms";
    result.answered_enough = false;
    result.why_too_few = "nothing was answered";
    result.stopped_early = true;
    result.clients = result.threads = 1;
    text = report_print(report_text, &result);
    expect_line(text, "127.0.0.1:3000: 10.000 s, 1 client, 1 thread, timeout 1.000 s; stopped "
                      "early\nsender kept up: no (the schedule lagged by 3 ms)\n"
                      "answered enough: no (nothing was answered)\n"
                      "attribution: by order (");
    expect_line(text, "rotation: uneven\n");
    free(text);
    load_result_free(&result);
}

Test(report_text, shows_corrected_and_raw_side_by_side)
{
    struct load_result result = report_empty();
    histogram_add(&result.corrected, 200000000);
    histogram_add(&result.raw, 20000);
    char *text = report_print(report_text, &result);
    expect_line(text, "latency, us          corrected           raw\n");
    expect_line(text, "  p99.99            200000.000        20.000\n");
    free(text);
    load_result_free(&result);
}

Test(report_text, omits_measurements_that_were_not_made)
{
    struct load_result result = report_empty();
    char *text = report_print(report_text, &result);
    cr_assert_null(strstr(text, "fan-out"));
    cr_assert_null(strstr(text, "rotation"));
    cr_assert_null(strstr(text, "highest rate"));
    cr_assert_null(strstr(text, "replies\n"));
    cr_assert_null(strstr(text, "%"));
    cr_assert_null(strcasestr(text, "nan"));
    expect_line(text, "  requested                max\n");
    expect_line(text, "  p99                        -             -\n");
    free(text);
    load_result_free(&result);
}

Test(report_text, keeps_its_columns_when_a_reply_is_long)
{
    struct load_result result = report_sample();
    free(result.replies[1].message);
    result.replies[1].message = strdup("a reply of more than fourteen characters");
    char *text = report_print(report_text, &result);
    expect_line(text, "  audi                  332749    33.333 %\n"
                      "  a reply of more than fourteen characters\n"
                      "                        332749    33.333 %\n");
    free(text);
    load_result_free(&result);
}

Test(report_text, truncates_very_long_replies)
{
    struct load_result result = report_sample();
    char message[3001];
    memset(message, 'x', sizeof message - 1);
    message[sizeof message - 1] = '\0';
    free(result.replies[1].message);
    result.replies[1].message = strdup(message);
    char *text = report_print(report_text, &result);
    cr_assert_not_null(strstr(text, "xxx...\n"));
    cr_assert_lt(strlen(text), 3700); /* some 3400 are the other sections */
    free(text);
    load_result_free(&result);
}

Test(report_text, prints_what_limited_the_search)
{
    struct load_result result = report_empty();
    static const struct {
        enum load_limit limit;
        const char *line;
    } limits[] = {
        {LOAD_LIMIT_SERVICE,
         "highest rate that holds: 3500/s (too much was lost or wrong at 3562/s)\n"},
        {LOAD_LIMIT_SENDER,
         "highest rate that holds: 3500/s (the sender fell behind at 3562/s; the "
         "service may take more)\n"},
        {LOAD_LIMIT_SCHEDULE,
         "highest rate that holds: 3500/s (no higher rate can be requested)\n"},
        {LOAD_LIMIT_STOPPED, "highest rate that holds: 3500/s (the search was stopped; the service "
                             "may take more)\n"},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        result.find_max = (struct load_find_max){true, 3500, 3562, limits[i].limit, 0};
        char *text = report_print(report_text, &result);
        expect_line(text, limits[i].line);
        free(text);
    }
    load_result_free(&result);
}

Test(report_text, prints_the_rate_that_the_sender_could_send)
{
    struct load_result result = report_empty();
    result.find_max = (struct load_find_max){true, 3500, 8000, LOAD_LIMIT_SENDER, 3562};
    char *text = report_print(report_text, &result);
    expect_line(text, "highest rate that holds: 3500/s (the sender sends no more than 3562/s; the "
                      "service may take more)\n");
    free(text);
    load_result_free(&result);
}

Test(report_text, escapes_control_characters)
{
    struct load_result result = report_sample();
    free(result.target);
    result.target = strdup(report_hostile());
    char *text = report_print(report_text, &result);
    for (const char *c = text; *c; c++)
        cr_assert((unsigned char)*c >= ' ' || *c == '\n', "a control character: %d", *c);
    free(text);
    load_result_free(&result);
}

Test(report_text, returns_the_error_of_a_failed_write)
{
    report_expect_error(report_text);
}

Test(report_text, reports_that_a_server_has_other_or_fewer_clients)
{
    struct load_result result = report_sample();
    char *text = report_print(report_text, &result);
    cr_assert_not_null(strstr(text, "the server has other clients, too"));
    free(text);
    result.fanout.targets = result.fanout.expected;
    text = report_print(report_text, &result);
    cr_assert_null(strstr(text, "the server has"));
    free(text);
    result.fanout.targets = result.fanout.expected - 1;
    text = report_print(report_text, &result);
    cr_assert_not_null(strstr(text, "the server has fewer clients than it answered"));
    free(text);
    load_result_free(&result);
}
