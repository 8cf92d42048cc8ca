#include "load/report/page/report_html.h"

#include "load/report/escape.h"
#include "load/report/number_format.h"
#include "load/report/page/charts.h"
#include "load/report/percentile_curve.h"
#include "load/report/report_json.h"
#include "load/report/report_labels.h"
#include "page/chart_drawing.h"
#include "page/chart_scales.h"
#include "page/chart_table_style.h"
#include "page/page_style.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Numbers with grouped thousands, for tables. */
static const char *grouped_count(uint64_t count, char text[NUMBER_FORMAT_BYTES])
{
    char figure[NUMBER_FORMAT_BYTES];
    return number_format_grouped(number_format_count(count, figure), text);
}

static const char *grouped_us(uint64_t ns, char text[NUMBER_FORMAT_BYTES])
{
    char figure[NUMBER_FORMAT_BYTES];
    return number_format_grouped(number_format_us(ns, figure), text);
}

static const char *grouped_rate(double rate, char text[NUMBER_FORMAT_BYTES])
{
    char figure[NUMBER_FORMAT_BYTES];
    return number_format_grouped(number_format_rate(rate, figure), text);
}

static void print_strings(FILE *out, const char *const *strings)
{
    for (; *strings; strings++)
        fputs(*strings, out);
}

/* The content security policy forbids the page to load anything, whatever its texts contain. */
static void print_head(FILE *out, const struct load_result *result)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
          "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n"
          "<link rel=\"icon\" href=\"data:,\">\n<title>",
          out);
    escape_html(out, result->target);
    fputs(" - udpload</title>\n<style>\n", out);
    print_strings(out, PAGE_STYLE);
    print_strings(out, CHART_TABLE_STYLE);
    fputs("</style>\n</head>\n<body>\n", out);
}

static void print_title(FILE *out, const struct load_result *result)
{
    char text[NUMBER_FORMAT_BYTES];
    fputs("<header>\n<p class=\"brand\">udpload</p>\n<h1>", out);
    escape_html(out, result->target);
    fputs("</h1>\n<p class=\"meta\"><span>", out);
    escape_html(out, result->started);
    fprintf(out, "</span> <span>%s s</span>", number_format_seconds(result->duration_ns, text));
    fprintf(out, " <span>%s client%s</span>", grouped_count(result->clients, text),
            result->clients == 1 ? "" : "s");
    fprintf(out, " <span>%" PRIu32 " thread%s</span></p>\n</header>\n", result->threads,
            result->threads == 1 ? "" : "s");
}

/* Prints one verdict. Its sign and its text carry the same information as its colour. */
static void print_verdict(FILE *out, bool good, const char *verdict, const char *why)
{
    fprintf(out, "<li class=\"%s\">%s %s", good ? "good" : "bad", good ? "&#10003;" : "&#10007;",
            verdict);
    if (why) {
        fputs(" <small>", out);
        escape_html(out, why);
        fputs("</small>", out);
    }
    fputs("</li>\n", out);
}

static void print_find_max(FILE *out, const struct load_find_max *find_max)
{
    char rate[NUMBER_FORMAT_BYTES], verdict[64], why[REPORT_LABELS_LIMIT_BYTES];
    bool known = find_max->limit == LOAD_LIMIT_SERVICE || find_max->limit == LOAD_LIMIT_SCHEDULE;
    snprintf(verdict, sizeof verdict, "highest rate that holds: %s/s",
             grouped_count(find_max->highest, rate));
    print_verdict(out, known, verdict, report_labels_limit(find_max, why));
}

static void print_verdicts(FILE *out, const struct load_result *result)
{
    fputs("<ul class=\"verdicts\">\n", out);
    if (result->kept_up)
        print_verdict(out, true, "sender kept up: yes", NULL);
    else
        print_verdict(out, false, "sender kept up: no", result->why_not);
    if (result->answered_enough)
        print_verdict(out, true, "answered enough: yes", NULL);
    else
        print_verdict(out, false, "answered enough: no", result->why_too_few);
    if (result->exact)
        print_verdict(out, true, "attribution: exact", NULL);
    else
        print_verdict(out, false, "attribution: by order",
                      "requests overlapped within clients, so the counts are not exact");
    if (result->find_max.done)
        print_find_max(out, &result->find_max);
    if (result->rotation_known)
        print_verdict(out, result->rotation_even,
                      result->rotation_even ? "rotation: even" : "rotation: uneven", NULL);
    if (result->stopped_early)
        print_verdict(out, false, "stopped early", NULL);
    fputs("</ul>\n", out);
}

static void print_tile(FILE *out, const char *name, const char *value, const char *note)
{
    fprintf(out,
            "<div><dt>%s</dt><dd class=\"value\">%s</dd>"
            "<dd class=\"note\">%s</dd></div>\n",
            name, value, note);
}

static void print_count_tile(FILE *out, const char *name, uint64_t count, uint64_t sent)
{
    char value[NUMBER_FORMAT_BYTES], percent[NUMBER_FORMAT_BYTES],
        note[NUMBER_FORMAT_BYTES + sizeof " %"];
    number_format_percent(count, sent, percent);
    snprintf(note, sizeof note, "%s%s%s",
             *percent == '<'   ? "&lt;"
             : *percent == '>' ? "&gt;"
                               : "",
             percent + (*percent == '<' || *percent == '>'), sent > 0 ? " %" : "");
    print_tile(out, name, grouped_count(count, value), note);
}

static void print_latency_tile(FILE *out, const char *name, const struct histogram *histogram,
                               uint64_t ns)
{
    char value[NUMBER_FORMAT_BYTES];
    print_tile(out, name, histogram->count > 0 ? number_format_duration(ns, value) : "-",
               "corrected");
}

static void print_tiles(FILE *out, const struct load_result *result)
{
    const struct load_counts *counts = &result->counts;
    const struct histogram *corrected = &result->corrected;
    char value[NUMBER_FORMAT_BYTES], rate[NUMBER_FORMAT_BYTES],
        note[NUMBER_FORMAT_BYTES + sizeof " a second"];

    fputs("<dl class=\"tiles\">\n", out);
    snprintf(note, sizeof note, "%s a second", grouped_rate(result->achieved_rate, rate));
    print_tile(out, "Sent", grouped_count(counts->sent, value), note);
    print_count_tile(out, "Replied", counts->replied, counts->sent);
    print_count_tile(out, "Lost", counts->lost, counts->sent);
    print_latency_tile(out, "Median", corrected, histogram_percentile(corrected, 500000));
    print_latency_tile(out, "p99", corrected, histogram_percentile(corrected, 990000));
    print_latency_tile(out, "Maximum", corrected, corrected->max);
    fputs("</dl>\n", out);
}

static void print_chart(FILE *out, const char *id, const char *title, const char *about)
{
    fprintf(out,
            "<figure id=\"%s\">\n<figcaption><h2>%s</h2><p>%s</p></figcaption>\n"
            "<div class=\"plot\"><noscript>Scripts are disabled, so this chart is not drawn. "
            "The tables below need no script.</noscript></div>\n</figure>\n",
            id, title, about);
}

static void print_charts(FILE *out)
{
    print_chart(out, "over-time", "Latency over time",
                "From the moment each request was due, so that a stall is not hidden by requests "
                "that were sent late.");
    print_chart(out, "by-percentile", "Latency by percentile",
                "Corrected: from the moment a request was due. Raw: from the moment it was sent. "
                "Where they differ, the sender was late.");
    print_chart(out, "rate", "Rate and loss over time",
                "Requests sent, answered and lost per second.");
}

static void print_share(FILE *out, bool any, uint64_t part, uint64_t whole)
{
    char percent[NUMBER_FORMAT_BYTES];
    fputs("<td class=\"share\">", out);
    if (any) {
        escape_html(out, number_format_percent(part, whole, percent));
        fputs(whole > 0 ? " %" : "", out);
    }
    fputs("</td></tr>\n", out);
}

static void print_counts(FILE *out, const struct load_result *result)
{
    struct report_labels_count rows[REPORT_LABELS_COUNTS];
    char text[NUMBER_FORMAT_BYTES];
    report_labels_counts(&result->counts, rows);
    fputs("<section>\n<table>\n<caption>Counts</caption>\n", out);
    for (size_t i = 0; i < REPORT_LABELS_COUNTS; i++) {
        fprintf(out, "<tr%s><th scope=\"row\">%s<small>%s</small></th><td>%s</td>",
                i == 0   ? " class=\"sum\""
                : i == 4 ? " class=\"apart\""
                         : "",
                rows[i].label, rows[i].note, grouped_count(rows[i].value, text));
        print_share(out, i > 0 && i < 4, rows[i].value, result->counts.sent);
    }
    fputs("</table>\n<p class=\"after\">sent = replied + wrong + lost</p>\n</section>\n", out);
}

static void print_latency(FILE *out, const struct load_result *result)
{
    const struct histogram *const histograms[] = {&result->corrected, &result->raw, &result->lag};
    struct report_labels_latency rows[3][REPORT_LABELS_LATENCY];
    char text[NUMBER_FORMAT_BYTES];
    for (size_t k = 0; k < 3; k++)
        report_labels_latency(histograms[k], rows[k]);
    fputs("<section>\n<table class=\"figures\">\n<caption>Latency, "
          "&micro;s</caption>\n<thead><tr><td></td>"
          "<th scope=\"col\">corrected</th><th scope=\"col\">raw</th>"
          "<th scope=\"col\">schedule lag</th></tr></thead>\n",
          out);
    for (size_t i = 0; i < REPORT_LABELS_LATENCY; i++) {
        fprintf(out, "<tr><th scope=\"row\">%s</th>", rows[0][i].label);
        for (size_t k = 0; k < 3; k++)
            fprintf(out, "<td>%s</td>",
                    histograms[k]->count > 0 ? grouped_us(rows[k][i].ns, text) : "-");
        fputs("</tr>\n", out);
    }
    fputs("</table>\n<p class=\"after\">Schedule lag is the sender's own lateness: which the "
          "corrected latency includes and the raw latency does not.</p>\n</section>\n",
          out);
}

static void print_replies(FILE *out, const struct load_result *result)
{
    uint64_t all = 0;
    char text[NUMBER_FORMAT_BYTES], message[REPORT_LABELS_MESSAGE_BYTES];
    for (size_t i = 0; i < result->reply_count; i++)
        all += result->replies[i].count;
    if (result->reply_count == 0)
        return;
    fputs("<section>\n<table class=\"any\">\n<caption>Replies</caption>\n", out);
    for (size_t i = 0; i < result->reply_count; i++) {
        fputs("<tr><th scope=\"row\">", out);
        escape_html(out, report_labels_message(result->replies[i].message, message));
        fprintf(out, "</th><td>%s</td>", grouped_count(result->replies[i].count, text));
        print_share(out, true, result->replies[i].count, all);
    }
    fputs("</table>\n</section>\n", out);
}

static void print_row(FILE *out, const char *label, const char *value)
{
    fprintf(out, "<tr><th scope=\"row\">%s</th><td>%s</td></tr>\n", label, value);
}

static void print_sender(FILE *out, const struct load_result *result)
{
    char text[NUMBER_FORMAT_BYTES];
    fputs("<section>\n<table>\n<caption>Sender</caption>\n", out);
    print_row(out, "requests a second, requested",
              result->requested_rate > 0 ? grouped_rate(result->requested_rate, text) : "max");
    print_row(out, "requests a second, achieved", grouped_rate(result->achieved_rate, text));
    print_row(out, "requests a second, answered", grouped_rate(result->answered_rate, text));
    print_row(out, "processor share of the busiest thread",
              number_format_share(result->cpu_share, text));
    fputs("</table>\n</section>\n", out);
}

static void print_fanout(FILE *out, const struct load_fanout *fanout)
{
    const struct {
        const char *label;
        uint64_t value;
    } counts[] = {{"broadcasts", fanout->broadcasts},
                  {"copies that the server had to send", fanout->targets},
                  {"copies expected", fanout->expected},
                  {"copies received", fanout->received},
                  {"copies missing", fanout->missing},
                  {"copies doubled", fanout->doubled}},
      times[] = {{"to the first copy", fanout->first_ns},
                 {"to the median copy", fanout->median_ns},
                 {"to the last copy", fanout->last_ns}};
    char text[NUMBER_FORMAT_BYTES];

    if (!fanout->done)
        return;
    fputs("<section>\n<table>\n<caption>Fan-out</caption>\n", out);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        print_row(out, counts[i].label, grouped_count(counts[i].value, text));
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        print_row(out, times[i].label,
                  fanout->received > 0 ? number_format_duration(times[i].value, text) : "-");
    fputs("</table>\n", out);
    if (report_labels_fanout_targets(fanout))
        fprintf(out, "<p class=\"after\">%s</p>\n", report_labels_fanout_targets(fanout));
    fputs("</section>\n", out);
}

static void print_confirm(FILE *out, const struct load_fanout *fanout)
{
    struct report_labels_count counts[REPORT_LABELS_CONFIRM];
    struct report_labels_latency times[REPORT_LABELS_CONFIRM_TIMES];
    char text[NUMBER_FORMAT_BYTES], label[64];

    if (!fanout->done || !fanout->confirm.done)
        return;
    report_labels_confirm(&fanout->confirm, counts);
    report_labels_confirm_times(&fanout->confirm, times);
    fputs("<section>\n<table>\n<caption>Confirmations</caption>\n", out);
    for (size_t i = 0; i < REPORT_LABELS_CONFIRM; i++) {
        snprintf(label, sizeof label, "%s, %s", counts[i].label, counts[i].note);
        print_row(out, label, grouped_count(counts[i].value, text));
    }
    print_row(out, "datagrams a client",
              number_format_ratio(fanout->confirm.datagrams, fanout->targets, text));
    for (size_t i = 0; i < REPORT_LABELS_CONFIRM_TIMES; i++) {
        snprintf(label, sizeof label, "to the confirmation, %s", times[i].label);
        print_row(out, label,
                  times[i].ns != UINT64_MAX ? number_format_duration(times[i].ns, text) : "-");
    }
    fputs("</table>\n</section>\n", out);
}

static void print_setting(FILE *out, const struct load_result *result)
{
    char text[NUMBER_FORMAT_BYTES];
    fputs("<section>\n<h2>Setting</h2>\n<dl class=\"setting\">\n<dt>Command</dt><dd><code>", out);
    escape_html(out, result->command);
    fputs("</code></dd>\n<dt>Host</dt><dd>", out);
    escape_html(out, result->host);
    fputs("</dd>\n<dt>Started</dt><dd>", out);
    escape_html(out, result->started);
    fprintf(out, "</dd>\n<dt>Timeout</dt><dd>%s s</dd>\n</dl>\n</section>\n",
            number_format_seconds(result->timeout_ns, text));
}

/* Prints the value of a curve as a member of a point: microseconds, or null if there is none. */
static void print_point(FILE *out, struct percentile_curve *curve,
                        struct percentile_curve_level level)
{
    char text[NUMBER_FORMAT_BYTES];
    fprintf(out, ",%s",
            curve->histogram->count > 0
                ? number_format_us(percentile_curve_value(curve, level), text)
                : "null");
}

/* Prints points [1 / (1 - share), corrected, raw]; the last one is the maximum. */
static void print_curve(FILE *out, const struct load_result *result)
{
    const struct histogram *const both[] = {&result->corrected, &result->raw};
    uint64_t count = both[0]->count > both[1]->count ? both[0]->count : both[1]->count;
    struct percentile_curve curves[2];
    char text[NUMBER_FORMAT_BYTES];

    for (size_t i = 0; i < 2; i++)
        percentile_curve_init(&curves[i], both[i]);
    putc('[', out);
    for (struct percentile_curve_level level = {0, 0}; percentile_curve_beyond(level, count) > 0;
         level = percentile_curve_next(level)) {
        uint64_t inverse = percentile_curve_inverse(level);
        fprintf(out, "[%" PRIu64 ".%02" PRIu64, inverse / 100, inverse % 100);
        print_point(out, &curves[0], level);
        print_point(out, &curves[1], level);
        fputs("],\n", out);
    }
    if (count > 0) {
        fprintf(out, "[%" PRIu64, count);
        for (size_t i = 0; i < 2; i++)
            fprintf(out, ",%s", both[i]->count > 0 ? number_format_us(both[i]->max, text) : "null");
        putc(']', out);
    }
    putc(']', out);
}

/* Prints the report as JSON, in which "<" is escaped, and the script. */
static int print_script(FILE *out, const struct load_result *result)
{
    fputs("<script type=\"application/json\" id=\"data\">\n{\"curve\": ", out);
    print_curve(out, result);
    fputs(",\n\"report\": ", out);
    int error = report_json(out, result);
    fputs("}\n</script>\n<script>\n", out);
    print_strings(out, CHART_SCALES);
    print_strings(out, CHART_DRAWING);
    print_strings(out, CHARTS_SCRIPT);
    fputs("</script>\n", out);
    return error;
}

int report_html(FILE *out, const struct load_result *result)
{
    errno = 0;
    print_head(out, result);
    print_title(out, result);
    fputs("<main>\n", out);
    print_verdicts(out, result);
    print_tiles(out, result);
    print_charts(out);
    fputs("<div class=\"pair\">\n<div>\n", out);
    print_counts(out, result);
    print_replies(out, result);
    fputs("</div>\n<div>\n", out);
    print_latency(out, result);
    print_sender(out, result);
    print_fanout(out, &result->fanout);
    print_confirm(out, &result->fanout);
    fputs("</div>\n</div>\n", out);
    print_setting(out, result);
    fputs("</main>\n", out);
    int error = print_script(out, result);
    fputs("</body>\n</html>\n", out);
    if (error)
        return error;
    return fflush(out) != 0 || ferror(out) ? (errno ? -errno : -EIO) : 0;
}
