/* Tests of the JSON report. */
#include "load/report/report_json.h"

#include "load_report_fixture.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void expect_valid(const char *json)
{
    const char *end = report_json_value(json);
    cr_assert_not_null(end, "not JSON: %s", json);
    cr_assert_str_eq(end, "\n", "after the object: %s", end);
}

/* Expects that the member has exactly this value. */
static void expect_member(const char *json, const char *path, const char *expected)
{
    const char *value = report_json_member(json, path);
    cr_assert_not_null(value, "no %s", path);
    size_t length = (size_t)(report_json_value(value) - value);
    cr_assert(length == strlen(expected) && strncmp(value, expected, length) == 0,
              "%s is %.*s, expected %s", path, (int)length, value, expected);
}

static void replace(char **text, const char *with)
{
    free(*text);
    *text = strdup(with);
}

Test(report_json, has_the_members_that_programs_rely_on)
{
    static const char *const paths[] = {"sent",
                                        "replied",
                                        "lost",
                                        "late",
                                        "unsolicited",
                                        "wrong",
                                        "duplicate",
                                        "send_errors",
                                        "own_drops",
                                        "attribution",
                                        "kept_up",
                                        "rates.requested",
                                        "rates.achieved",
                                        "rates.answered",
                                        "latency.corrected",
                                        "latency.raw",
                                        "replies",
                                        "intervals",
                                        "command",
                                        "host",
                                        "target",
                                        "started",
                                        "duration_s",
                                        "clients",
                                        "threads",
                                        "lag",
                                        "fanout",
                                        "challenged",
                                        "find_max",
                                        "refused",
                                        "answered_enough",
                                        "why_too_few"};
    static const char *const rows[] = {"min", "mean", "p50",   "p90", "p95",
                                       "p99", "p999", "p9999", "max"};
    struct load_result result = report_sample();
    char *json = report_print(report_json, &result);
    expect_valid(json);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        cr_assert_not_null(report_json_member(json, paths[i]), "no %s", paths[i]);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[64];
        snprintf(path, sizeof path, "latency.corrected.%s", rows[i]);
        cr_assert_not_null(report_json_member(json, path), "no %s", path);
        snprintf(path, sizeof path, "latency.raw.%s", rows[i]);
        cr_assert_not_null(report_json_member(json, path), "no %s", path);
    }
    free(json);
    load_result_free(&result);
}

Test(report_json, prints_each_count_under_its_own_name)
{
    struct load_result result = report_empty();
    result.counts = (struct load_counts){1, 2, 3, 4, 5, 6, 7, 8, UINT64_MAX, 10, 11};
    char *json = report_print(report_json, &result);
    expect_member(json, "sent", "1");
    expect_member(json, "replied", "2");
    expect_member(json, "wrong", "3");
    expect_member(json, "lost", "4");
    expect_member(json, "late", "5");
    expect_member(json, "duplicate", "6");
    expect_member(json, "unsolicited", "7");
    expect_member(json, "send_errors", "8");
    expect_member(json, "own_drops", "18446744073709551615");
    expect_member(json, "challenged", "10");
    expect_member(json, "refused", "11");
    free(json);
    load_result_free(&result);
}

Test(report_json, prints_latencies_in_microseconds)
{
    struct load_result result = report_empty();
    histogram_add(&result.corrected, 250123456);
    histogram_add(&result.raw, 17001);
    histogram_add(&result.lag, 999);
    char *json = report_print(report_json, &result);
    expect_member(json, "latency.corrected.p50", "250123.456");
    expect_member(json, "latency.corrected.max", "250123.456");
    expect_member(json, "latency.corrected.count", "1");
    expect_member(json, "latency.raw.mean", "17.001");
    expect_member(json, "latency.raw.p9999", "17.001");
    expect_member(json, "lag.p99", "0.999");
    free(json);
    load_result_free(&result);
}

Test(report_json, prints_null_for_missing_values)
{
    struct load_result result = report_empty();
    result.achieved_rate = NAN;
    result.answered_rate = INFINITY;
    result.cpu_share = NAN;
    char *json = report_print(report_json, &result);
    expect_valid(json);
    expect_member(json, "latency.corrected.p99", "null");
    expect_member(json, "latency.raw.min", "null");
    expect_member(json, "rates.requested", "null");
    expect_member(json, "rates.achieved", "0");
    expect_member(json, "rates.answered", "0");
    expect_member(json, "cpu_share", "0.000");
    expect_member(json, "replies", "{}");
    expect_member(json, "intervals", "[]");
    expect_member(json, "fanout", "null");
    expect_member(json, "find_max", "null");
    expect_member(json, "rotation", "null");
    cr_assert_null(strcasestr(json, "nan"));
    cr_assert_null(strcasestr(json, "inf"));
    free(json);
    load_result_free(&result);
}

Test(report_json, prints_the_verdict)
{
    struct load_result result = report_sample();
    char *json = report_print(report_json, &result);
    expect_member(json, "kept_up", "true");
    expect_member(json, "why_not", "null");
    expect_member(json, "attribution", "\"exact\"");
    expect_member(json, "rotation", "\"even\"");
    free(json);

    result.kept_up = result.exact = result.rotation_even = false;
    result.why_not = "the schedule lagged";
    json = report_print(report_json, &result);
    expect_member(json, "kept_up", "false");
    expect_member(json, "why_not", "\"the schedule lagged\"");
    expect_member(json, "attribution", "\"by order\"");
    expect_member(json, "rotation", "\"uneven\"");
    free(json);
    load_result_free(&result);
}

Test(report_json, lists_replies_and_intervals)
{
    struct load_result result = report_sample();
    char *json = report_print(report_json, &result);
    expect_member(json, "replies.audi", "332749");
    expect_member(json, "replies.(other)", "2");
    expect_member(json, "fanout.received", "2999");
    expect_member(json, "fanout.targets", "3021");
    expect_member(json, "fanout.first", "81.230");
    expect_member(json, "fanout.confirm.confirmed", "2990");
    expect_member(json, "fanout.confirm.rounds", "5");
    expect_member(json, "fanout.confirm.datagrams_per_client", "1.186");
    expect_member(json, "fanout.confirm.p99", "5200100.200");
    const char *interval = report_json_member(json, "intervals") + 1;
    for (size_t i = 0; i < result.interval_count; i++) {
        char start[32];
        snprintf(start, sizeof start, "%zu", i * 500);
        expect_member(interval, "start_ms", start);
        expect_member(interval, "sent", "50000");
        cr_assert_not_null(report_json_member(interval, "p99"));
        interval = report_json_value(interval) + 1;
    }
    free(json);
    load_result_free(&result);
}

Test(report_json, has_no_latency_of_an_interval_without_replies)
{
    struct load_result result = report_sample();
    result.intervals[0].p50_ns = result.intervals[0].p99_ns = result.intervals[0].max_ns = 0;
    char *json = report_print(report_json, &result);
    const char *interval = report_json_member(json, "intervals") + 1;
    expect_valid(json);
    expect_member(interval, "p50", "null");
    expect_member(interval, "max", "null");
    free(json);
    load_result_free(&result);
}

Test(report_json, is_valid_with_any_texts)
{
    struct load_result result = report_sample();
    replace(&result.command, report_hostile());
    replace(&result.host, report_hostile());
    replace(&result.replies[0].message, report_hostile());
    free(result.target);
    result.target = NULL;
    result.kept_up = false;
    result.why_not = NULL;
    char *json = report_print(report_json, &result);
    expect_valid(json);
    expect_member(json, "target", "\"\"");
    expect_member(json, "why_not", "\"\"");
    free(json);
    load_result_free(&result);
}

Test(report_json, returns_the_error_of_a_failed_write)
{
    report_expect_error(report_json);
}

Test(report_json, prints_what_limited_the_search)
{
    struct load_result result = report_empty();
    result.find_max = (struct load_find_max){true, 80000, 160000, LOAD_LIMIT_SENDER, 81250};
    char *json = report_print(report_json, &result);
    expect_valid(json);
    expect_member(json, "find_max",
                  "{\"highest\": 80000, \"failed\": 160000, "
                  "\"limit\": \"sender\", \"sender_max\": 81250}");
    free(json);
    result.find_max = (struct load_find_max){true, 10000000, 0, LOAD_LIMIT_SCHEDULE, 0};
    json = report_print(report_json, &result);
    expect_valid(json);
    expect_member(json, "find_max.failed", "null");
    expect_member(json, "find_max.limit", "\"schedule\"");
    free(json);
    load_result_free(&result);
}

Test(report_json, has_no_confirmations_of_a_fan_out_without_them)
{
    struct load_result result = report_sample();
    result.fanout.confirm = (struct load_confirm){.done = false};
    char *json = report_print(report_json, &result);
    expect_valid(json);
    expect_member(json, "fanout.confirm", "null");
    free(json);
    result.fanout.confirm = (struct load_confirm){
        .done = true, .median_ns = 1000, .p99_ns = UINT64_MAX, .last_ns = UINT64_MAX};
    result.fanout.targets = 0;
    json = report_print(report_json, &result);
    expect_valid(json);
    expect_member(json, "fanout.confirm.datagrams_per_client", "null");
    expect_member(json, "fanout.confirm.median", "1.000");
    expect_member(json, "fanout.confirm.p99", "null");
    expect_member(json, "fanout.confirm.last", "null");
    free(json);
    load_result_free(&result);
}
