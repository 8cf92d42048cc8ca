#ifndef BASE_DURATION_HISTOGRAM_H
#define BASE_DURATION_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

/* A histogram of durations with few buckets, as monitoring wants it: 160 bytes, where
 * base/histogram has the resolution that percentiles need and 36 KiB. The bounds are 1, 2.5 and 5
 * in each decade from 10 us to 10 s. */
enum { DURATION_HISTOGRAM_BOUNDS = 19 };

struct duration_histogram {
    uint64_t sum_ns;
    /* Durations up to each bound and above the one before; the last: those above all bounds. */
    uint64_t counts[DURATION_HISTOGRAM_BOUNDS + 1];
};

/* Returns bound i < DURATION_HISTOGRAM_BOUNDS, in nanoseconds. */
uint64_t duration_histogram_bound_ns(size_t i);

void duration_histogram_add(struct duration_histogram *histogram, uint64_t ns);

/* Adds all durations of from to into. */
void duration_histogram_merge(struct duration_histogram *into,
                              const struct duration_histogram *from);

#endif
