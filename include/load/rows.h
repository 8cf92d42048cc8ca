#ifndef LOAD_ROWS_H
#define LOAD_ROWS_H

#include "load/result.h"

/* The rows that all reports share, in their order, with the names that programs and people read. */

enum {
    ROWS_COUNTS = 11,
    ROWS_LATENCY = 9,
    ROWS_LIMIT_BYTES = 100,
    ROWS_MESSAGE_BYTES = 120,
};

struct rows_count {
    const char *key;   /* "send_errors" */
    const char *label; /* "send errors" */
    const char *note;  /* what it counts */
    uint64_t value;
};

/* sent first, then the three that it is the sum of, then the others. */
void rows_counts(const struct load_counts *counts, struct rows_count rows[ROWS_COUNTS]);

struct rows_latency {
    const char *key;   /* "p999" */
    const char *label; /* "p99.9" */
    uint64_t ns;
};

/* min, mean, p50 to p99.99, max; all 0 while the histogram is empty. */
void rows_latency(const struct histogram *histogram, struct rows_latency rows[ROWS_LATENCY]);

/* A reply for people, who need no more than its beginning. */
const char *rows_message(const char *message, char text[ROWS_MESSAGE_BYTES]);

/* Why the search for the highest rate ended there: "too much was lost or wrong at 12500/s". */
const char *rows_limit(const struct load_find_max *find_max, char text[ROWS_LIMIT_BYTES]);

/* What it means that the server had to send more copies than to our clients, or fewer; NULL where
 * it had to send just those. */
const char *rows_others(const struct load_fanout *fanout);

#endif
