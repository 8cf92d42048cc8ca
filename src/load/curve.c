/* Latency by percentile, finer and finer towards the maximum. */
#include "load/curve.h"

struct curve_level curve_next(struct curve_level level)
{
    if (level.tenth < 4)
        return (struct curve_level){level.halvings, level.tenth + 1};
    return (struct curve_level){level.halvings + 1, 0};
}

uint64_t curve_share(struct curve_level level)
{
    const uint64_t all = UINT64_C(1000000000000);
    uint64_t left = (all / 10 * (10 - level.tenth)) >> level.halvings;
    return all - left;
}

uint64_t curve_inverse(struct curve_level level)
{
    uint64_t tenths = 10 - level.tenth;
    uint64_t whole = (UINT64_C(1) << level.halvings) / tenths;
    uint64_t rest = (UINT64_C(1) << level.halvings) % tenths;
    return whole * 1000 + (rest * 1000 + tenths / 2) / tenths;
}

/* count * tenths / 10 in two parts, which don't overflow. */
uint64_t curve_beyond(struct curve_level level, uint64_t count)
{
    uint64_t tenths = 10 - level.tenth;
    return (count / 10 * tenths + count % 10 * tenths / 10) >> level.halvings;
}

void curve_start(struct curve *curve, const struct histogram *histogram)
{
    uint32_t bucket = histogram->count > 0 ? histogram_bucket(histogram->min) : 0;
    *curve = (struct curve){histogram, bucket, histogram->buckets[bucket]};
}

uint64_t curve_value(struct curve *curve, struct curve_level level)
{
    const struct histogram *histogram = curve->histogram;
    uint64_t rank = histogram->count - curve_beyond(level, histogram->count);
    while (curve->seen < rank)
        curve->seen += histogram->buckets[++curve->bucket];
    uint64_t value = histogram_bucket_max(curve->bucket);
    return value < histogram->max ? value : histogram->max;
}
