#ifndef LOAD_REPORT_PERCENTILE_CURVE_H
#define LOAD_REPORT_PERCENTILE_CURVE_H

#include "base/histogram.h"

#include <stdbool.h>

/* The percentile levels of a latency curve, and the values of a histogram at them. Each half of the
 * remaining distance to 100 % is divided into five steps: 0 10 20 30 40 50 55 60 … 75 77.5 …
 * (HdrHistogram's percentile iterator), so that the tail has the same resolution as the rest. A
 * level is the share 1 - (10 - tenth) / (10 * 2^halvings). */
struct percentile_curve_level {
    uint32_t halvings; /* below 53 */
    uint32_t tenth;    /* 0 to 4 */
};

/* Returns the next level. */
struct percentile_curve_level percentile_curve_next(struct percentile_curve_level level);

/* Return the share in parts of 10^12, and 1 / (1 - share) in hundredths. */
uint64_t percentile_curve_share(struct percentile_curve_level level);
uint64_t percentile_curve_inverse(struct percentile_curve_level level);

/* Returns how many of count values are above the level, rounded down; 0: the level is the maximum.
 */
uint64_t percentile_curve_beyond(struct percentile_curve_level level, uint64_t count);

/* An iteration over a histogram, from its lowest value up. */
struct percentile_curve {
    const struct histogram *histogram;
    uint32_t bucket;
    uint64_t seen; /* values in the buckets up to this one */
};

/* Begins an iteration. The histogram must not change during it. */
void percentile_curve_init(struct percentile_curve *curve, const struct histogram *histogram);

/* Returns the value at a level, as histogram_percentile defines it. Call it with rising levels, and
 * not with an empty histogram. */
uint64_t percentile_curve_value(struct percentile_curve *curve,
                                struct percentile_curve_level level);

#endif
