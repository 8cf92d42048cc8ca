#ifndef LOAD_REPORT_PERCENTILE_CURVE_H
#define LOAD_REPORT_PERCENTILE_CURVE_H

#include "base/histogram.h"

#include <stdbool.h>

/* The levels at which a percentile curve is drawn: each half of the way to 100 % that is left is
 * cut into five steps, 0 10 20 30 40 50 55 60 … 75 77.5 … (HdrHistogram's percentile iterator), so
 * that the tail is as well resolved as the rest. A level is the share 1 - (10 - tenth) / (10 *
 * 2^halvings). */
struct percentile_curve_level {
    uint32_t halvings; /* below 53 */
    uint32_t tenth;    /* 0 to 4 */
};

/* The level that follows. */
struct percentile_curve_level percentile_curve_next(struct percentile_curve_level level);

/* The share as parts of 10^12, and 1 / (1 - share) as hundredths. */
uint64_t percentile_curve_share(struct percentile_curve_level level);
uint64_t percentile_curve_inverse(struct percentile_curve_level level);

/* How many of count values are beyond the level, rounded down; 0: the level is the maximum. */
uint64_t percentile_curve_beyond(struct percentile_curve_level level, uint64_t count);

/* A walk over a histogram, from its least value up. */
struct percentile_curve {
    const struct histogram *histogram;
    uint32_t bucket;
    uint64_t seen; /* values in the buckets up to this one */
};

void percentile_curve_start(struct percentile_curve *curve, const struct histogram *histogram);

/* Walks on to the value that the level's share of all values doesn't exceed, as
 * histogram_percentile says it. Levels come in their order; the histogram isn't empty. */
uint64_t percentile_curve_value(struct percentile_curve *curve,
                                struct percentile_curve_level level);

#endif
