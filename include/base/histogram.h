#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdint.h>

/* A histogram of values, for percentiles, in fixed memory: log-linear buckets. Each octave is
 * divided into HISTOGRAM_STEPS equal steps, so the width of a bucket is at most 1/128 (0.8 %) of
 * its values (the layout of HdrHistogram, G. Tene). One thread at a time. */
enum {
    HISTOGRAM_STEP_BITS = 7,
    HISTOGRAM_STEPS = 1 << HISTOGRAM_STEP_BITS,
    HISTOGRAM_BITS = 42, /* values below 2^42, 73 minutes in nanoseconds; a greater value counts as
                            the greatest one */
    HISTOGRAM_BUCKETS = (HISTOGRAM_BITS - HISTOGRAM_STEP_BITS + 1) * HISTOGRAM_STEPS,
};

struct histogram {
    uint64_t count;
    uint64_t min, max; /* exact; min is UINT64_MAX while the histogram is empty */
    uint64_t sum;      /* for the mean; wraps after 584 years in nanoseconds */
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

#define HISTOGRAM_VALUE_MAX ((UINT64_C(1) << HISTOGRAM_BITS) - 1)

/* Empties the histogram. */
void histogram_init(struct histogram *histogram);

/* histogram_bucket returns the bucket of a value; histogram_bucket_max returns the greatest value
 * of a bucket. Values below 2 * HISTOGRAM_STEPS are exact: each has its own bucket. */
static inline uint32_t histogram_bucket(uint64_t value)
{
    value = value < HISTOGRAM_VALUE_MAX ? value : HISTOGRAM_VALUE_MAX;
    uint32_t octave = 63 - (uint32_t)__builtin_clzll(value | HISTOGRAM_STEPS);
    uint32_t shift = octave - HISTOGRAM_STEP_BITS;
    return shift * HISTOGRAM_STEPS + (uint32_t)(value >> shift);
}
uint64_t histogram_bucket_max(uint32_t bucket);

/* Adds a value. Inline, because udpload calls it for each reply. */
static inline void histogram_add(struct histogram *histogram, uint64_t value)
{
    value = value < HISTOGRAM_VALUE_MAX ? value : HISTOGRAM_VALUE_MAX;
    histogram->count++;
    histogram->sum += value;
    if (value < histogram->min)
        histogram->min = value;
    if (value > histogram->max)
        histogram->max = value;
    histogram->buckets[histogram_bucket(value)]++;
}

/* Adds all values of from to into. */
void histogram_merge(struct histogram *into, const struct histogram *from);

/* The percentile of ppm parts per million (500000: the median): the greatest value of the bucket in
 * which it lies, but at most max. Returns 0 if the histogram is empty. */
uint64_t histogram_percentile(const struct histogram *histogram, uint32_t ppm);

/* The same among `of` values, of which the histogram has the smallest ones. Returns UINT64_MAX if
 * the percentile is one of the others, or `of` is 0. */
uint64_t histogram_percentile_of(const struct histogram *histogram, uint64_t of, uint32_t ppm);

/* Returns 0 if the histogram is empty. */
uint64_t histogram_mean(const struct histogram *histogram);

#endif
