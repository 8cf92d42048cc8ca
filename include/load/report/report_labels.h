#ifndef LOAD_REPORT_REPORT_LABELS_H
#define LOAD_REPORT_REPORT_LABELS_H

#include "load/report/load_result.h"

/* The rows that all reports share, in their order: the JSON keys, the labels and notes for people,
 * and the values. */

enum {
    REPORT_LABELS_COUNTS = 11,
    REPORT_LABELS_LATENCY = 9,
    REPORT_LABELS_CONFIRM = 15,
    REPORT_LABELS_CONFIRM_TIMES = 3,
    REPORT_LABELS_LIMIT_BYTES = 100,
    REPORT_LABELS_MESSAGE_BYTES = 120,
};

struct report_labels_count {
    const char *key;   /* "send_errors" */
    const char *label; /* "send errors" */
    const char *note;  /* what it counts */
    uint64_t value;
};

/* Fills the rows of the counters: sent, its three summands (replied, wrong, lost), then the others.
 */
void report_labels_counts(const struct load_counts *counts,
                          struct report_labels_count rows[REPORT_LABELS_COUNTS]);

struct report_labels_latency {
    const char *key;   /* "p999" */
    const char *label; /* "p99.9" */
    uint64_t ns;
};

/* Fills the rows min, mean, p50 to p99.99, max; all are 0 if the histogram is empty. */
void report_labels_latency(const struct histogram *histogram,
                           struct report_labels_latency rows[REPORT_LABELS_LATENCY]);

/* Fills the rows of the confirmations of a fan-out: first what the clients have done, then what the
 * server has reported. */
void report_labels_confirm(const struct load_confirm *confirm,
                           struct report_labels_count rows[REPORT_LABELS_CONFIRM]);

/* The same for the times from the command to the confirmation: of half and of 99 % of the clients,
 * and the last one; UINT64_MAX: not reached. */
void report_labels_confirm_times(const struct load_confirm *confirm,
                                 struct report_labels_latency rows[REPORT_LABELS_CONFIRM_TIMES]);

/* Returns a reply, truncated for tables. */
const char *report_labels_message(const char *message, char text[REPORT_LABELS_MESSAGE_BYTES]);

/* Returns what limited the search for the highest rate: "too much was lost or wrong at 12500/s". */
const char *report_labels_limit(const struct load_find_max *find_max,
                                char text[REPORT_LABELS_LIMIT_BYTES]);

/* Returns advice if the server sent more or fewer copies than there are registered clients; NULL if
 * the numbers are equal. */
const char *report_labels_fanout_targets(const struct load_fanout *fanout);

#endif
