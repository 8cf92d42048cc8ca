#include "load/report/report_json.h"

#include "load/report/escape.h"
#include "load/report/number_format.h"
#include "load/report/report_labels.h"

#include <errno.h>
#include <inttypes.h>

/* Prints microseconds, or null if there is no value. */
static void print_us(FILE *out, const char *key, bool any, uint64_t ns)
{
    char text[NUMBER_FORMAT_BYTES];
    fprintf(out, "\"%s\": %s", key, any ? number_format_us(ns, text) : "null");
}

static void print_text(FILE *out, const char *key, const char *text)
{
    fprintf(out, ",\n  \"%s\": ", key);
    escape_json(out, text);
}

static void print_counts(FILE *out, const struct load_counts *counts, const char *separator)
{
    struct report_labels_count rows[REPORT_LABELS_COUNTS];
    report_labels_counts(counts, rows);
    for (size_t i = 0; i < REPORT_LABELS_COUNTS; i++)
        fprintf(out, "%s\"%s\": %" PRIu64, i > 0 ? separator : "", rows[i].key, rows[i].value);
}

static void print_histogram(FILE *out, const char *key, const struct histogram *histogram)
{
    struct report_labels_latency rows[REPORT_LABELS_LATENCY];
    report_labels_latency(histogram, rows);
    fprintf(out, "\"%s\": {\"count\": %" PRIu64, key, histogram->count);
    for (size_t i = 0; i < REPORT_LABELS_LATENCY; i++) {
        fputs(", ", out);
        print_us(out, rows[i].key, histogram->count > 0, rows[i].ns);
    }
    putc('}', out);
}

static void print_verdict(FILE *out, const struct load_result *result)
{
    fprintf(out, ",\n  \"attribution\": \"%s\"", result->exact ? "exact" : "by order");
    fprintf(out, ",\n  \"kept_up\": %s", result->kept_up ? "true" : "false");
    if (result->kept_up)
        fputs(",\n  \"why_not\": null", out);
    else
        print_text(out, "why_not", result->why_not);
    fprintf(out, ",\n  \"answered_enough\": %s", result->answered_enough ? "true" : "false");
    if (result->answered_enough)
        fputs(",\n  \"why_too_few\": null", out);
    else
        print_text(out, "why_too_few", result->why_too_few);
}

static void print_rates(FILE *out, const struct load_result *result)
{
    char requested[NUMBER_FORMAT_BYTES], achieved[NUMBER_FORMAT_BYTES],
        answered[NUMBER_FORMAT_BYTES];
    fprintf(out, ",\n  \"rates\": {\"requested\": %s, \"achieved\": %s, \"answered\": %s}",
            result->requested_rate > 0 ? number_format_rate(result->requested_rate, requested)
                                       : "null",
            number_format_rate(result->achieved_rate, achieved),
            number_format_rate(result->answered_rate, answered));
}

static void print_latency(FILE *out, const struct load_result *result)
{
    char share[NUMBER_FORMAT_BYTES];
    fputs(",\n  \"latency\": {\n    ", out);
    print_histogram(out, "corrected", &result->corrected);
    fputs(",\n    ", out);
    print_histogram(out, "raw", &result->raw);
    fputs("\n  },\n  ", out);
    print_histogram(out, "lag", &result->lag);
    fprintf(out, ",\n  \"cpu_share\": %s", number_format_share(result->cpu_share, share));
}

static void print_replies(FILE *out, const struct load_result *result)
{
    fputs(",\n  \"replies\": {", out);
    for (size_t i = 0; i < result->reply_count; i++) {
        fputs(i > 0 ? ", " : "", out);
        escape_json(out, result->replies[i].message);
        fprintf(out, ": %" PRIu64, result->replies[i].count);
    }
    fprintf(out, "},\n  \"rotation\": %s",
            !result->rotation_known ? "null"
            : result->rotation_even ? "\"even\""
                                    : "\"uneven\"");
}

static void print_interval(FILE *out, const struct load_interval *interval)
{
    bool any = interval->max_ns > 0;
    fprintf(out, "{\"start_ms\": %" PRIu64 ", \"end_ms\": %" PRIu64 ", ", interval->start_ms,
            interval->end_ms);
    print_counts(out, &interval->counts, ", ");
    fputs(", ", out);
    print_us(out, "p50", any, interval->p50_ns);
    fputs(", ", out);
    print_us(out, "p99", any, interval->p99_ns);
    fputs(", ", out);
    print_us(out, "max", any, interval->max_ns);
    putc('}', out);
}

static void print_intervals(FILE *out, const struct load_result *result)
{
    fputs(",\n  \"intervals\": [", out);
    for (size_t i = 0; i < result->interval_count; i++) {
        fputs(i > 0 ? ",\n    " : "\n    ", out);
        print_interval(out, &result->intervals[i]);
    }
    fputs(result->interval_count > 0 ? "\n  ]" : "]", out);
}

static void print_confirm(FILE *out, const struct load_fanout *fanout)
{
    struct report_labels_count counts[REPORT_LABELS_CONFIRM];
    struct report_labels_latency times[REPORT_LABELS_CONFIRM_TIMES];
    char text[NUMBER_FORMAT_BYTES];
    if (!fanout->confirm.done) {
        fputs("\"confirm\": null", out);
        return;
    }
    report_labels_confirm(&fanout->confirm, counts);
    report_labels_confirm_times(&fanout->confirm, times);
    fputs("\"confirm\": {", out);
    for (size_t i = 0; i < REPORT_LABELS_CONFIRM; i++)
        fprintf(out, "\"%s\": %" PRIu64 ", ", counts[i].key, counts[i].value);
    fprintf(out, "\"datagrams_per_client\": %s",
            fanout->targets > 0
                ? number_format_ratio(fanout->confirm.datagrams, fanout->targets, text)
                : "null");
    for (size_t i = 0; i < REPORT_LABELS_CONFIRM_TIMES; i++) {
        fputs(", ", out);
        print_us(out, times[i].key, times[i].ns != UINT64_MAX, times[i].ns);
    }
    putc('}', out);
}

static void print_fanout(FILE *out, const struct load_fanout *fanout)
{
    if (!fanout->done) {
        fputs(",\n  \"fanout\": null", out);
        return;
    }
    fprintf(out,
            ",\n  \"fanout\": {\"broadcasts\": %" PRIu64 ", \"expected\": %" PRIu64
            ", \"received\": %" PRIu64 ", \"missing\": %" PRIu64 ", \"doubled\": %" PRIu64
            ", \"targets\": %" PRIu64 ", ",
            fanout->broadcasts, fanout->expected, fanout->received, fanout->missing,
            fanout->doubled, fanout->targets);
    bool any = fanout->received > 0;
    print_us(out, "first", any, fanout->first_ns);
    fputs(", ", out);
    print_us(out, "median", any, fanout->median_ns);
    fputs(", ", out);
    print_us(out, "last", any, fanout->last_ns);
    fputs(", ", out);
    print_confirm(out, fanout);
    putc('}', out);
}

static void print_find_max(FILE *out, const struct load_find_max *find_max)
{
    static const char *const limits[] = {
        [LOAD_LIMIT_SERVICE] = "service",
        [LOAD_LIMIT_SENDER] = "sender",
        [LOAD_LIMIT_SCHEDULE] = "schedule",
        [LOAD_LIMIT_STOPPED] = "stopped",
    };
    if (!find_max->done) {
        fputs(",\n  \"find_max\": null", out);
        return;
    }
    fprintf(out, ",\n  \"find_max\": {\"highest\": %" PRIu32 ", \"failed\": ", find_max->highest);
    if (find_max->failed)
        fprintf(out, "%" PRIu32, find_max->failed);
    else
        fputs("null", out);
    fprintf(out, ", \"limit\": \"%s\", \"sender_max\": ", limits[find_max->limit]);
    if (find_max->sender_max)
        fprintf(out, "%" PRIu32 "}", find_max->sender_max);
    else
        fputs("null}", out);
}

static void print_setting(FILE *out, const struct load_result *result)
{
    char duration[NUMBER_FORMAT_BYTES], timeout[NUMBER_FORMAT_BYTES];
    print_text(out, "target", result->target);
    print_text(out, "started", result->started);
    fprintf(out, ",\n  \"duration_s\": %s, \"stopped_early\": %s",
            number_format_seconds(result->duration_ns, duration),
            result->stopped_early ? "true" : "false");
    fprintf(out, ",\n  \"clients\": %" PRIu32 ", \"threads\": %" PRIu32 ", \"timeout_s\": %s",
            result->clients, result->threads, number_format_seconds(result->timeout_ns, timeout));
    print_text(out, "command", result->command);
    print_text(out, "host", result->host);
}

int report_json(FILE *out, const struct load_result *result)
{
    errno = 0;
    fputs("{\n  ", out);
    print_counts(out, &result->counts, ",\n  ");
    print_verdict(out, result);
    print_rates(out, result);
    print_latency(out, result);
    print_replies(out, result);
    print_fanout(out, &result->fanout);
    print_find_max(out, &result->find_max);
    print_intervals(out, result);
    print_setting(out, result);
    fputs("\n}\n", out);
    return fflush(out) != 0 || ferror(out) ? (errno ? -errno : -EIO) : 0;
}
