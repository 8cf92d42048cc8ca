#include "load/report/percentile_curve.h"

struct percentile_curve_level percentile_curve_next(struct percentile_curve_level level)
{
    if (level.tenth < 4)
        return (struct percentile_curve_level){level.halvings, level.tenth + 1};
    return (struct percentile_curve_level){level.halvings + 1, 0};
}

uint64_t percentile_curve_share(struct percentile_curve_level level)
{
    const uint64_t all = UINT64_C(1000000000000);
    uint64_t left = (all / 10 * (10 - level.tenth)) >> level.halvings;
    return all - left;
}

uint64_t percentile_curve_inverse(struct percentile_curve_level level)
{
    uint64_t tenths = 10 - level.tenth;
    uint64_t whole = (UINT64_C(1) << level.halvings) / tenths;
    uint64_t rest = (UINT64_C(1) << level.halvings) % tenths;
    return whole * 1000 + (rest * 1000 + tenths / 2) / tenths;
}

/* Computes count * tenths / 10 in two parts, which do not overflow. */
uint64_t percentile_curve_beyond(struct percentile_curve_level level, uint64_t count)
{
    uint64_t tenths = 10 - level.tenth;
    return (count / 10 * tenths + count % 10 * tenths / 10) >> level.halvings;
}

void percentile_curve_init(struct percentile_curve *curve, const struct histogram *histogram)
{
    uint32_t bucket = histogram->count > 0 ? histogram_bucket(histogram->min) : 0;
    *curve = (struct percentile_curve){histogram, bucket, histogram->buckets[bucket]};
}

uint64_t percentile_curve_value(struct percentile_curve *curve, struct percentile_curve_level level)
{
    const struct histogram *histogram = curve->histogram;
    uint64_t rank = histogram->count - percentile_curve_beyond(level, histogram->count);
    while (curve->seen < rank)
        curve->seen += histogram->buckets[++curve->bucket];
    uint64_t value = histogram_bucket_max(curve->bucket);
    return value < histogram->max ? value : histogram->max;
}
