#ifndef LOAD_REPORT_REPORT_ROWS_H
#define LOAD_REPORT_REPORT_ROWS_H

#include "load/report/load_result.h"

/* The rows that all reports share, in their order, with the names that programs and people read. */

enum {
    REPORT_ROWS_COUNTS = 11,
    REPORT_ROWS_LATENCY = 9,
    REPORT_ROWS_LIMIT_BYTES = 100,
    REPORT_ROWS_MESSAGE_BYTES = 120,
};

struct report_rows_count {
    const char *key;   /* "send_errors" */
    const char *label; /* "send errors" */
    const char *note;  /* what it counts */
    uint64_t value;
};

/* sent first, then the three that it is the sum of, then the others. */
void report_rows_counts(const struct load_counts *counts,
                        struct report_rows_count rows[REPORT_ROWS_COUNTS]);

struct report_rows_latency {
    const char *key;   /* "p999" */
    const char *label; /* "p99.9" */
    uint64_t ns;
};

/* min, mean, p50 to p99.99, max; all 0 while the histogram is empty. */
void report_rows_latency(const struct histogram *histogram,
                         struct report_rows_latency rows[REPORT_ROWS_LATENCY]);

/* A reply for people, who need no more than its beginning. */
const char *report_rows_message(const char *message, char text[REPORT_ROWS_MESSAGE_BYTES]);

/* Why the search for the highest rate ended there: "too much was lost or wrong at 12500/s". */
const char *report_rows_limit(const struct load_find_max *find_max,
                              char text[REPORT_ROWS_LIMIT_BYTES]);

/* What it means that the server had to send more copies than to our clients, or fewer; NULL where
 * it had to send just those. */
const char *report_rows_others(const struct load_fanout *fanout);

#endif
