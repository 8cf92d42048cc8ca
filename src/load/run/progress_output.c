#include "load/run/progress_output.h"

#include "load/report/number_format.h"
#include "os/terminal/terminal_capabilities.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum {
    COLUMNS = 79,        /* a line that wraps cannot be overwritten */
    SHOWN_EACH_MS = 250, /* fast enough to read */
};

void progress_output_init(struct progress_output *progress, bool rows)
{
    *progress =
        (struct progress_output){.on_terminal = terminal_is_tty(STDERR_FILENO), .rows = rows};
}

/* An interval without replies has no latency. */
static const char *latency_us(const struct load_interval *interval, uint64_t ns,
                              char text[NUMBER_FORMAT_BYTES])
{
    return interval->max_ns > 0 ? number_format_us(ns, text) : "-";
}

static void print_row(struct progress_output *progress, const struct load_interval *interval)
{
    const struct load_counts *counts = &interval->counts;
    char start[NUMBER_FORMAT_BYTES], end[NUMBER_FORMAT_BYTES], p50[NUMBER_FORMAT_BYTES],
        p99[NUMBER_FORMAT_BYTES], max[NUMBER_FORMAT_BYTES];

    if (!progress->header_shown)
        printf("%-19s %10s %10s %10s %12s %12s %12s\n", "interval, s", "sent", "replied", "lost",
               "p50, us", "p99, us", "max, us");
    progress->header_shown = true;
    printf("%8s - %8s %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %12s %12s %12s\n",
           number_format_seconds(interval->start_ms * 1000000, start),
           number_format_seconds(interval->end_ms * 1000000, end), counts->sent, counts->replied,
           counts->lost, latency_us(interval, interval->p50_ns, p50),
           latency_us(interval, interval->p99_ns, p99),
           latency_us(interval, interval->max_ns, max));
    fflush(stdout);
}

static void print_line(struct progress_output *progress, const struct load_interval *interval,
                       const struct load_counts *total)
{
    char line[COLUMNS + 2], p99[NUMBER_FORMAT_BYTES];
    snprintf(line, sizeof line,
             "%" PRIu64 " s  sent %" PRIu64 "  replied %" PRIu64 "  lost %" PRIu64 "  p99 %s",
             interval->end_ms / 1000, total->sent, total->replied, total->lost,
             interval->max_ns > 0 ? number_format_duration(interval->p99_ns, p99) : "-");
    fprintf(stderr, "\r%-*s", COLUMNS, line);
    fflush(stderr);
    progress->line_shown = true;
    progress->shown_ms = interval->end_ms;
}

void progress_output_interval(struct progress_output *progress,
                              const struct load_interval *interval, const struct load_counts *total)
{
    if (progress->rows) {
        progress_output_clear(progress);
        print_row(progress, interval);
    }
    if (progress->on_terminal && terminal_is_writable(STDERR_FILENO) &&
        (!progress->line_shown || interval->end_ms - progress->shown_ms >= SHOWN_EACH_MS))
        print_line(progress, interval, total);
}

void progress_output_clear(struct progress_output *progress)
{
    if (!progress->line_shown || !terminal_is_writable(STDERR_FILENO))
        return;
    fprintf(stderr, "\r%*s\r", COLUMNS, "");
    fflush(stderr);
    progress->line_shown = false;
}
