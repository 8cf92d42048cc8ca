/* Tests of base/duration_histogram: a histogram with few buckets. */
#include "base/duration_histogram.h"

#include <criterion/criterion.h>

Test(duration_histogram, the_bounds_rise_from_10_us_to_10_s)
{
    cr_assert_eq(duration_histogram_bound_ns(0), 10000);
    for (size_t i = 1; i < DURATION_HISTOGRAM_BOUNDS; i++)
        cr_assert_gt(duration_histogram_bound_ns(i), duration_histogram_bound_ns(i - 1));
    cr_assert_eq(duration_histogram_bound_ns(DURATION_HISTOGRAM_BOUNDS - 1), 10000000000);
}

Test(duration_histogram, a_bound_belongs_to_the_durations_below_it)
{
    struct duration_histogram histogram = {0};
    duration_histogram_add(&histogram, 0);
    duration_histogram_add(&histogram, 10000);
    duration_histogram_add(&histogram, 10001);
    cr_assert_eq(histogram.counts[0], 2);
    cr_assert_eq(histogram.counts[1], 1);
    cr_assert_eq(histogram.sum_ns, 20001);
}

Test(duration_histogram, longer_durations_than_all_bounds_are_counted_last)
{
    struct duration_histogram histogram = {0};
    duration_histogram_add(&histogram, 10000000001);
    cr_assert_eq(histogram.counts[DURATION_HISTOGRAM_BOUNDS], 1);
}

Test(duration_histogram, merging_adds_the_counts_and_the_sum)
{
    struct duration_histogram into = {0}, from = {0};
    duration_histogram_add(&into, 1);
    duration_histogram_add(&from, 2);
    duration_histogram_add(&from, UINT64_C(20000000000));
    duration_histogram_merge(&into, &from);
    cr_assert_eq(into.counts[0], 2);
    cr_assert_eq(into.counts[DURATION_HISTOGRAM_BOUNDS], 1);
    cr_assert_eq(into.sum_ns, UINT64_C(20000000003));
}
