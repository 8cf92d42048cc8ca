/* The line that moves, and those that stay. */
#include "load/run/progress.h"

#include "load/report/number_text.h"
#include "os/terminal/terminal_capabilities.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum {
    COLUMNS = 79,        /* a line that wraps can't be written over */
    SHOWN_EACH_MS = 250, /* nobody reads faster */
};

void progress_begin(struct progress *progress, bool steps)
{
    *progress = (struct progress){.on_terminal = terminal_is_tty(STDERR_FILENO), .steps = steps};
}

/* Of an interval without replies there is no latency to tell. */
static const char *latency_us(const struct load_interval *interval, uint64_t ns,
                              char text[NUMBER_TEXT_BYTES])
{
    return interval->max_ns > 0 ? number_text_us(ns, text) : "-";
}

static void print_step(struct progress *progress, const struct load_interval *interval)
{
    const struct load_counts *counts = &interval->counts;
    char start[NUMBER_TEXT_BYTES], end[NUMBER_TEXT_BYTES], p50[NUMBER_TEXT_BYTES],
        p99[NUMBER_TEXT_BYTES], max[NUMBER_TEXT_BYTES];

    if (!progress->headed)
        printf("%-19s %10s %10s %10s %12s %12s %12s\n", "interval, s", "sent", "replied", "lost",
               "p50, us", "p99, us", "max, us");
    progress->headed = true;
    printf("%8s - %8s %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %12s %12s %12s\n",
           number_text_seconds(interval->start_ms * 1000000, start),
           number_text_seconds(interval->end_ms * 1000000, end), counts->sent, counts->replied,
           counts->lost, latency_us(interval, interval->p50_ns, p50),
           latency_us(interval, interval->p99_ns, p99),
           latency_us(interval, interval->max_ns, max));
    fflush(stdout);
}

static void print_line(struct progress *progress, const struct load_interval *interval,
                       const struct load_counts *all)
{
    char line[COLUMNS + 2], p99[NUMBER_TEXT_BYTES];
    snprintf(line, sizeof line,
             "%" PRIu64 " s  sent %" PRIu64 "  replied %" PRIu64 "  lost %" PRIu64 "  p99 %s",
             interval->end_ms / 1000, all->sent, all->replied, all->lost,
             interval->max_ns > 0 ? number_text_duration(interval->p99_ns, p99) : "-");
    fprintf(stderr, "\r%-*s", COLUMNS, line);
    fflush(stderr);
    progress->shown = true;
    progress->shown_ms = interval->end_ms;
}

void progress_interval(struct progress *progress, const struct load_interval *interval,
                       const struct load_counts *all)
{
    if (progress->steps) {
        progress_clear(progress);
        print_step(progress, interval);
    }
    if (progress->on_terminal && terminal_is_writable(STDERR_FILENO) &&
        (!progress->shown || interval->end_ms - progress->shown_ms >= SHOWN_EACH_MS))
        print_line(progress, interval, all);
}

void progress_clear(struct progress *progress)
{
    if (!progress->shown || !terminal_is_writable(STDERR_FILENO))
        return;
    fprintf(stderr, "\r%*s\r", COLUMNS, "");
    fflush(stderr);
    progress->shown = false;
}
