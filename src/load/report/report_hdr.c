/* The format is that of HdrHistogram's outputPercentileDistribution (CLASSIC in HdrHistogram_c). */
#include "load/report/report_hdr.h"

#include "load/report/number_format.h"
#include "load/report/percentile_curve.h"

#include <errno.h>
#include <inttypes.h>

/* Newton's method from above, because libm is not linked. Returns 0 for values below 1. */
static double square_root(double square)
{
    if (square < 1)
        return 0;
    double root = square;
    for (double next = (root + square / root) / 2; next < root; next = (root + square / root) / 2)
        root = next;
    return root;
}

/* Returns the middle of a bucket, clamped to the values that were recorded. */
static uint64_t middle_ns(const struct histogram *histogram, uint32_t bucket)
{
    uint64_t least = bucket > 0 ? histogram_bucket_max(bucket - 1) + 1 : 0;
    uint64_t middle = least + (histogram_bucket_max(bucket) - least) / 2;
    if (middle < histogram->min)
        return histogram->min;
    return middle < histogram->max ? middle : histogram->max;
}

/* Returns the standard deviation. Each value counts as the middle of its bucket. */
static uint64_t deviation_ns(const struct histogram *histogram)
{
    double squares = 0, mean = (double)histogram_mean(histogram);
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        double distance = (double)middle_ns(histogram, i) - mean;
        squares += distance * distance * (double)histogram->buckets[i];
    }
    return (uint64_t)(square_root(squares / (double)histogram->count) + 0.5);
}

static void print_level(FILE *out, struct percentile_curve_level level, uint64_t value_ns,
                        uint64_t seen)
{
    const uint64_t all = UINT64_C(1000000000000);
    char value[NUMBER_FORMAT_BYTES];
    uint64_t share = percentile_curve_share(level), inverse = percentile_curve_inverse(level);
    fprintf(out, "%12s %" PRIu64 ".%012" PRIu64 " %10" PRIu64 " %11" PRIu64 ".%02" PRIu64 "\n",
            number_format_ms(value_ns, value), share / all, share % all, seen, inverse / 100,
            inverse % 100);
}

static void print_levels(FILE *out, const struct histogram *histogram)
{
    char max[NUMBER_FORMAT_BYTES];
    struct percentile_curve_level level = {0, 0};
    struct percentile_curve curve;
    percentile_curve_init(&curve, histogram);
    for (; percentile_curve_beyond(level, histogram->count) > 0;
         level = percentile_curve_next(level)) {
        uint64_t value_ns = percentile_curve_value(&curve, level);
        if (curve.seen == histogram->count)
            break;
        print_level(out, level, value_ns, curve.seen);
    }
    fprintf(out, "%12s %d.%012d %10" PRIu64 " %14s\n", number_format_ms(histogram->max, max), 1, 0,
            histogram->count, "inf");
}

int report_hdr(FILE *out, const struct load_result *result)
{
    const struct histogram *histogram = &result->corrected;
    bool any = histogram->count > 0;
    char mean[NUMBER_FORMAT_BYTES], deviation[NUMBER_FORMAT_BYTES], max[NUMBER_FORMAT_BYTES];

    errno = 0;
    fprintf(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
            "1/(1-Percentile)");
    if (any)
        print_levels(out, histogram);
    fprintf(out, "#[Mean    = %12s, StdDeviation   = %12s]\n",
            number_format_ms(histogram_mean(histogram), mean),
            number_format_ms(any ? deviation_ns(histogram) : 0, deviation));
    fprintf(out, "#[Max     = %12s, Total count    = %12" PRIu64 "]\n",
            number_format_ms(histogram->max, max), histogram->count);
    fprintf(out, "#[Buckets = %12d, SubBuckets     = %12d]\n", HISTOGRAM_BUCKETS / HISTOGRAM_STEPS,
            HISTOGRAM_STEPS);
    fputs("#[Latency from the intended send time; Value in milliseconds]\n", out);
    return fflush(out) != 0 || ferror(out) ? (errno ? -errno : -EIO) : 0;
}
