#include "base/histogram.h"

#include <string.h>

void histogram_init(struct histogram *histogram)
{
    memset(histogram, 0, sizeof *histogram);
    histogram->min = UINT64_MAX;
}

uint64_t histogram_bucket_max(uint32_t bucket)
{
    if (bucket < HISTOGRAM_STEPS)
        return bucket;
    uint32_t shift = bucket / HISTOGRAM_STEPS - 1;
    uint64_t next = bucket % HISTOGRAM_STEPS + HISTOGRAM_STEPS + 1;
    return (next << shift) - 1;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    into->count += from->count;
    into->sum += from->sum;
    if (from->min < into->min)
        into->min = from->min;
    if (from->max > into->max)
        into->max = from->max;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
}

/* Returns ppm parts per million of count, rounded up, at least 1. The two summands do not overflow;
 * the product count * ppm could. */
static uint64_t rank_of(uint64_t count, uint32_t ppm)
{
    const uint32_t all = 1000000;
    if (ppm >= all)
        return count;
    uint64_t rank = count / all * ppm + (count % all * ppm + all - 1) / all;
    return rank > 0 ? rank : 1;
}

uint64_t histogram_percentile(const struct histogram *histogram, uint32_t ppm)
{
    return histogram->count > 0 ? histogram_percentile_of(histogram, histogram->count, ppm) : 0;
}

uint64_t histogram_percentile_of(const struct histogram *histogram, uint64_t of, uint32_t ppm)
{
    uint64_t rank = rank_of(of, ppm);
    if (of == 0 || rank > histogram->count)
        return UINT64_MAX;
    uint32_t bucket = histogram_bucket(histogram->min);
    for (uint64_t seen = histogram->buckets[bucket]; seen < rank;)
        seen += histogram->buckets[++bucket];
    uint64_t value = histogram_bucket_max(bucket);
    return value < histogram->max ? value : histogram->max;
}

uint64_t histogram_mean(const struct histogram *histogram)
{
    return histogram->count > 0 ? histogram->sum / histogram->count : 0;
}
