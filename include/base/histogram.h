#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdint.h>

/* How often each value came, in fixed memory: log-linear buckets, each octave cut into
 * HISTOGRAM_STEPS equal steps, so that a bucket is at most 1/128 (0.8 %) wide of its values (the
 * layout of HdrHistogram, G. Tene). */
enum {
    HISTOGRAM_STEP_BITS = 7,
    HISTOGRAM_STEPS = 1 << HISTOGRAM_STEP_BITS,
    HISTOGRAM_BITS = 42, /* values below 2^42: of nanoseconds, 73 minutes; a greater one counts as
                            the greatest */
    HISTOGRAM_BUCKETS = (HISTOGRAM_BITS - HISTOGRAM_STEP_BITS + 1) * HISTOGRAM_STEPS,
};

struct histogram {
    uint64_t count;
    uint64_t min, max; /* exact; min is UINT64_MAX while there is none */
    uint64_t sum;      /* for the mean; wraps beyond 584 years of nanoseconds */
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

#define HISTOGRAM_VALUE_MAX ((UINT64_C(1) << HISTOGRAM_BITS) - 1)

void histogram_init(struct histogram *histogram);

/* The bucket of a value, and the greatest value of a bucket. The first two rows of steps are one
 * wide: values below 2 * HISTOGRAM_STEPS are exact. */
static inline uint32_t histogram_bucket(uint64_t value)
{
    value = value < HISTOGRAM_VALUE_MAX ? value : HISTOGRAM_VALUE_MAX;
    uint32_t octave = 63 - (uint32_t)__builtin_clzll(value | HISTOGRAM_STEPS);
    uint32_t shift = octave - HISTOGRAM_STEP_BITS;
    return shift * HISTOGRAM_STEPS + (uint32_t)(value >> shift);
}
uint64_t histogram_bucket_max(uint32_t bucket);

/* Inline, as is the above: it is called for each reply of a load sender. */
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

void histogram_merge(struct histogram *into, const struct histogram *from);

/* The value that a share of parts per million of all values doesn't exceed (500000: the median), as
 * the greatest value of its bucket but never beyond max; 0 if there is none. */
uint64_t histogram_percentile(const struct histogram *histogram, uint32_t ppm);

uint64_t histogram_mean(const struct histogram *histogram);

#endif
