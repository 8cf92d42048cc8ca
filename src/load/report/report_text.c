#include "load/report/report_text.h"

#include "load/report/escape.h"
#include "load/report/number_format.h"
#include "load/report/report_labels.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum {
    LABEL = 14,  /* width of the labels */
    NUMBER = 14, /* width of the numbers */
    LONG_LABEL = 19,
};

static void print_head(FILE *out, const struct load_result *result)
{
    char duration[NUMBER_FORMAT_BYTES], timeout[NUMBER_FORMAT_BYTES];
    escape_line(out, result->target);
    fprintf(out, ": %s s, %" PRIu32 " %s, %" PRIu32 " %s, timeout %s s%s\n",
            number_format_seconds(result->duration_ns, duration), result->clients,
            result->clients == 1 ? "client" : "clients", result->threads,
            result->threads == 1 ? "thread" : "threads",
            number_format_seconds(result->timeout_ns, timeout),
            result->stopped_early ? "; stopped early" : "");
}

static void print_verdict(FILE *out, const struct load_result *result)
{
    if (result->kept_up)
        fputs("sender kept up: yes\n", out);
    else
        fprintf(out, "sender kept up: no (%s)\n", result->why_not ? result->why_not : "");
    if (result->answered_enough)
        fputs("answered enough: yes\n", out);
    else
        fprintf(out, "answered enough: no (%s)\n", result->why_too_few ? result->why_too_few : "");
    if (result->exact)
        fputs("attribution: exact\n", out);
    else
        fputs("attribution: by order (requests overlapped within clients, so the counts below "
              "are not exact)\n",
              out);
    if (result->find_max.done) {
        char why[REPORT_LABELS_LIMIT_BYTES];
        fprintf(out, "highest rate that holds: %" PRIu32 "/s (%s)\n", result->find_max.highest,
                report_labels_limit(&result->find_max, why));
    }
}

static void print_counts(FILE *out, const struct load_counts *counts)
{
    struct report_labels_count rows[REPORT_LABELS_COUNTS];
    char percent[NUMBER_FORMAT_BYTES];
    report_labels_counts(counts, rows);
    fputs("\nrequests\n", out);
    for (size_t i = 0; i < REPORT_LABELS_COUNTS; i++) {
        bool is_summand = i > 0 && i < 4; /* of sent */
        if (i == 4)
            fputs("\nother events\n", out);
        fprintf(out, "  %-*s%*" PRIu64, LABEL, rows[i].label, NUMBER, rows[i].value);
        if (i == 0)
            fputs("      = replied + wrong + lost", out);
        if (is_summand && counts->sent > 0)
            fprintf(out, "%10s %%", number_format_percent(rows[i].value, counts->sent, percent));
        if (i > 1 && rows[i].value > 0)
            fprintf(out, "%*s%s", is_summand ? 4 : 6, "", rows[i].note);
        putc('\n', out);
    }
}

static void print_rate(FILE *out, const char *label, const char *rate)
{
    fprintf(out, "  %-*s%*s\n", LABEL, label, NUMBER, rate);
}

static void print_rates(FILE *out, const struct load_result *result)
{
    char text[NUMBER_FORMAT_BYTES];
    fputs("\nrate, per second\n", out);
    print_rate(out, "requested",
               result->requested_rate > 0 ? number_format_rate(result->requested_rate, text)
                                          : "max");
    print_rate(out, "achieved", number_format_rate(result->achieved_rate, text));
    print_rate(out, "answered", number_format_rate(result->answered_rate, text));
}

static void print_latency(FILE *out, const struct load_result *result)
{
    struct report_labels_latency corrected[REPORT_LABELS_LATENCY], raw[REPORT_LABELS_LATENCY];
    char text[NUMBER_FORMAT_BYTES];
    report_labels_latency(&result->corrected, corrected);
    report_labels_latency(&result->raw, raw);
    fprintf(out, "\n%-*s%*s%*s\n", LABEL + 2, "latency, us", NUMBER, "corrected", NUMBER, "raw");
    for (size_t i = 0; i < REPORT_LABELS_LATENCY; i++) {
        fprintf(out, "  %-*s%*s", LABEL, corrected[i].label, NUMBER,
                result->corrected.count > 0 ? number_format_us(corrected[i].ns, text) : "-");
        fprintf(out, "%*s\n", NUMBER,
                result->raw.count > 0 ? number_format_us(raw[i].ns, text) : "-");
    }
}

static void print_replies(FILE *out, const struct load_result *result)
{
    uint64_t all = 0;
    char percent[NUMBER_FORMAT_BYTES], message[REPORT_LABELS_MESSAGE_BYTES];
    for (size_t i = 0; i < result->reply_count; i++)
        all += result->replies[i].count;
    if (result->reply_count > 0)
        fputs("\nreplies\n", out);
    for (size_t i = 0; i < result->reply_count; i++) {
        size_t length = strlen(report_labels_message(result->replies[i].message, message));
        fputs("  ", out);
        escape_line(out, message);
        /* A message that is too long for its column has its own line. */
        if (length < LABEL)
            fprintf(out, "%*s", LABEL - (int)length, "");
        else
            fprintf(out, "\n  %*s", LABEL, "");
        fprintf(out, "%*" PRIu64 "%10s %%\n", NUMBER, result->replies[i].count,
                number_format_percent(result->replies[i].count, all, percent));
    }
    if (result->rotation_known)
        fprintf(out, "rotation: %s\n", result->rotation_even ? "even" : "uneven");
}

static void print_sender(FILE *out, const struct load_result *result)
{
    static const char *const shown[] = {"p50", "p99", "max"};
    struct report_labels_latency rows[REPORT_LABELS_LATENCY];
    char text[NUMBER_FORMAT_BYTES];
    report_labels_latency(&result->lag, rows);
    fputs("\nsender\n", out);
    fprintf(out, "  %-*s%*s     of the busiest thread, 1 is a whole processor\n", LABEL,
            "cpu share", NUMBER, number_format_share(result->cpu_share, text));
    fprintf(out, "  schedule lag, us\n");
    for (size_t i = 0, next = 0; i < REPORT_LABELS_LATENCY && next < 3; i++) {
        if (strcmp(rows[i].key, shown[next]) != 0)
            continue;
        next++;
        fprintf(out, "    %-*s%*s\n", LABEL - 2, rows[i].label, NUMBER,
                result->lag.count > 0 ? number_format_us(rows[i].ns, text) : "-");
    }
}

static void print_fanout(FILE *out, const struct load_fanout *fanout)
{
    const struct {
        const char *label;
        uint64_t value;
    } counts[] = {{"broadcasts", fanout->broadcasts}, {"targets", fanout->targets},
                  {"expected", fanout->expected},     {"received", fanout->received},
                  {"missing", fanout->missing},       {"doubled", fanout->doubled}},
      times[] = {
          {"first", fanout->first_ns}, {"median", fanout->median_ns}, {"last", fanout->last_ns}};
    char text[NUMBER_FORMAT_BYTES];

    if (!fanout->done)
        return;
    fputs("\nfan-out, copies\n", out);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        fprintf(out, "  %-*s%*" PRIu64 "\n", LABEL, counts[i].label, NUMBER, counts[i].value);
    if (report_labels_fanout_targets(fanout))
        fprintf(out, "  %s\n", report_labels_fanout_targets(fanout));
    fputs("fan-out, us from the command to the copy\n", out);
    for (size_t i = 0; i < 3; i++)
        fprintf(out, "  %-*s%*s\n", LABEL, times[i].label, NUMBER,
                fanout->received > 0 ? number_format_us(times[i].value, text) : "-");
}

static void print_confirm(FILE *out, const struct load_fanout *fanout)
{
    struct report_labels_count counts[REPORT_LABELS_CONFIRM];
    struct report_labels_latency times[REPORT_LABELS_CONFIRM_TIMES];
    char text[NUMBER_FORMAT_BYTES];

    if (!fanout->done || !fanout->confirm.done)
        return;
    report_labels_confirm(&fanout->confirm, counts);
    report_labels_confirm_times(&fanout->confirm, times);
    fputs("\nfan-out, confirmations\n", out);
    for (size_t i = 0; i < REPORT_LABELS_CONFIRM; i++)
        fprintf(out, "  %-*s%*" PRIu64 "     %s\n", LONG_LABEL, counts[i].label,
                LABEL + NUMBER - LONG_LABEL, counts[i].value, counts[i].note);
    fprintf(out, "  %-*s%*s     that the server sent\n", LONG_LABEL, "datagrams a client",
            LABEL + NUMBER - LONG_LABEL,
            number_format_ratio(fanout->confirm.datagrams, fanout->targets, text));
    fputs("fan-out, us from the command to the confirmation, of all clients\n", out);
    for (size_t i = 0; i < REPORT_LABELS_CONFIRM_TIMES; i++)
        fprintf(out, "  %-*s%*s\n", LABEL, times[i].label, NUMBER,
                times[i].ns != UINT64_MAX ? number_format_us(times[i].ns, text) : "-");
}

int report_text(FILE *out, const struct load_result *result)
{
    errno = 0;
    print_head(out, result);
    print_verdict(out, result);
    print_counts(out, &result->counts);
    print_rates(out, result);
    print_latency(out, result);
    print_replies(out, result);
    print_sender(out, result);
    print_fanout(out, &result->fanout);
    print_confirm(out, &result->fanout);
    return fflush(out) != 0 || ferror(out) ? (errno ? -errno : -EIO) : 0;
}
