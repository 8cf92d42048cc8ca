/* Tests of the levels and values of percentile curves. */
#include "load/report/percentile_curve.h"

#include <criterion/criterion.h>

Test(percentile_curve, divides_each_remaining_half_into_five_levels)
{
    static const struct {
        uint64_t share, inverse;
    } expected[] = {
        {0, 100},
        {100000000000, 111},
        {200000000000, 125},
        {300000000000, 143},
        {400000000000, 167},
        {500000000000, 200},
        {550000000000, 222},
        {600000000000, 250},
        {650000000000, 286},
        {700000000000, 333},
        {750000000000, 400},
        {775000000000, 444},
    };
    struct percentile_curve_level level = {0, 0};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        cr_assert_eq(percentile_curve_share(level), expected[i].share, "level %zu", i);
        cr_assert_eq(percentile_curve_inverse(level), expected[i].inverse, "level %zu", i);
        level = percentile_curve_next(level);
    }
}

Test(percentile_curve, ends_when_no_value_is_above_the_level)
{
    struct percentile_curve_level level = {0, 0};
    cr_assert_eq(percentile_curve_beyond(level, 0), 0);
    cr_assert_eq(percentile_curve_beyond(level, 1), 1);
    cr_assert_eq(percentile_curve_beyond((struct percentile_curve_level){0, 1}, 1), 0);
    cr_assert_eq(percentile_curve_beyond((struct percentile_curve_level){0, 2}, 1000), 800);
    cr_assert_eq(percentile_curve_beyond((struct percentile_curve_level){1, 0}, 1000), 500);
    cr_assert_eq(percentile_curve_beyond((struct percentile_curve_level){9, 0}, 1000), 1);
    cr_assert_eq(percentile_curve_beyond((struct percentile_curve_level){9, 1}, 1000), 1);
    cr_assert_eq(percentile_curve_beyond((struct percentile_curve_level){10, 0}, 1000), 0);
    cr_assert_eq(percentile_curve_beyond(level, UINT64_MAX), UINT64_MAX);
}

Test(percentile_curve, gives_the_percentiles_of_the_histogram)
{
    struct histogram histogram;
    struct percentile_curve curve;
    uint64_t before = 0;
    histogram_init(&histogram);
    for (uint64_t i = 1; i <= 1000000; i++)
        histogram_add(&histogram, i * 37 % 1000003 * 11);
    percentile_curve_init(&curve, &histogram);
    for (struct percentile_curve_level level = {0, 0};
         percentile_curve_beyond(level, histogram.count) > 0;
         level = percentile_curve_next(level)) {
        uint64_t value = percentile_curve_value(&curve, level),
                 share = percentile_curve_share(level);
        cr_assert_geq(value, before);
        if (share % 1000000 == 0 && share > 0)
            cr_assert_eq(value, histogram_percentile(&histogram, (uint32_t)(share / 1000000)));
        before = value;
    }
    cr_assert_leq(before, histogram.max);
}
