#ifndef LOAD_RUN_INTERVAL_RECORDER_H
#define LOAD_RUN_INTERVAL_RECORDER_H

#include "base/histogram.h"
#include "load/report/load_result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Adds the counts of the sender threads to a result: to its totals, and to its list of intervals
 * (--interval). */
struct interval_recorder {
    struct load_result *result;
    struct load_interval current;
    struct histogram corrected; /* of the current interval */
    size_t capacity;
};

/* Begins the first interval of a result, to whose totals everything is added. */
void interval_recorder_init(struct interval_recorder *recorder, struct load_result *result);

/* Adds counts and latencies to the totals and to the current interval. */
void interval_recorder_add(struct interval_recorder *recorder, const struct load_counts *counts,
                           const struct histogram *corrected);

/* Returns whether the current interval has counted anything. */
bool interval_recorder_is_empty(const struct interval_recorder *recorder);

/* Ends the current interval, end_ms after the warm-up, and begins the next one. Returns the
 * interval, valid until the next call; or NULL when memory is short or there are
 * LOAD_INTERVALS_MAX: then the current one continues. */
const struct load_interval *interval_recorder_end(struct interval_recorder *recorder,
                                                  uint64_t end_ms);

#endif
