/* Tests of base/histogram: percentiles compared with sorted samples. */
#include "base/histogram.h"

#include <criterion/criterion.h>

#include <stdlib.h>

enum {
    SAMPLES = 20000,
    PPM = 1000000,
};

static const uint64_t GREATEST = (UINT64_C(1) << HISTOGRAM_BITS) - 1;
static const uint32_t LEVELS[] = {0,      1,      1000,   100000, 250000, 500000, 900000,
                                  950000, 990000, 999000, 999900, 999999, PPM};

/* xorshift64* (Vigna, 2016): the same samples in every run. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Distributions like those of latencies. */
static uint64_t uniform(uint64_t *state)
{
    return next_random(state) % 1000000;
}

static uint64_t small(uint64_t *state)
{
    return next_random(state) % 300;
}

static uint64_t of_any_magnitude(uint64_t *state)
{
    uint64_t bits = next_random(state) % HISTOGRAM_BITS;
    return next_random(state) >> (63 - bits);
}

static uint64_t mostly_fast_with_stalls(uint64_t *state)
{
    uint64_t fast = 20000 + next_random(state) % 5000;
    return next_random(state) % 100 == 0 ? fast + next_random(state) % 200000000 : fast;
}

static uint64_t long_tailed(uint64_t *state)
{
    return 1000000000 / (1 + next_random(state) % 100000);
}

static void expect_near(uint64_t value, uint64_t exact, const char *what, uint32_t ppm)
{
    cr_assert_geq(value, exact, "%s at %u ppm: %lu is less than %lu", what, ppm, value, exact);
    cr_assert_leq(value - exact, exact / 100, "%s at %u ppm: %lu is not within 1 %% of %lu", what,
                  ppm, value, exact);
}

/* Compares percentiles with those of the sorted samples: the value at rank ceil(share * count). */
static void expect_percentiles(const struct histogram *histogram, uint64_t *samples, size_t count,
                               const char *what)
{
    qsort(samples, count, sizeof *samples, by_value);
    for (size_t i = 0; i < sizeof LEVELS / sizeof *LEVELS; i++) {
        size_t rank = (size_t)((count * (uint64_t)LEVELS[i] + PPM - 1) / PPM);
        uint64_t exact = samples[rank > 0 ? rank - 1 : 0];
        expect_near(histogram_percentile(histogram, LEVELS[i]), exact, what, LEVELS[i]);
    }
    cr_assert_eq(histogram->min, samples[0]);
    cr_assert_eq(histogram->max, samples[count - 1]);
    cr_assert_eq(histogram_percentile(histogram, PPM), samples[count - 1]);
}

static void expect_distribution(uint64_t (*distribution)(uint64_t *state), const char *what)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct histogram histogram;
        uint64_t *samples = malloc(SAMPLES * sizeof *samples);
        uint64_t state = seed, sum = 0;
        histogram_init(&histogram);
        for (size_t i = 0; i < SAMPLES; i++) {
            samples[i] = distribution(&state);
            sum += samples[i];
            histogram_add(&histogram, samples[i]);
        }
        cr_assert_eq(histogram.count, SAMPLES);
        cr_assert_eq(histogram_mean(&histogram), sum / SAMPLES);
        expect_percentiles(&histogram, samples, SAMPLES, what);
        free(samples);
    }
}

Test(histogram, is_within_one_percent_of_sorted_samples_of_every_distribution)
{
    expect_distribution(uniform, "uniform");
    expect_distribution(small, "small");
    expect_distribution(of_any_magnitude, "of any magnitude");
    expect_distribution(mostly_fast_with_stalls, "mostly fast");
    expect_distribution(long_tailed, "long-tailed");
}

Test(histogram, is_zero_while_it_is_empty)
{
    struct histogram histogram;
    histogram_init(&histogram);
    cr_assert_eq(histogram.count, 0);
    cr_assert_eq(histogram.max, 0);
    cr_assert_eq(histogram.min, UINT64_MAX);
    cr_assert_eq(histogram_mean(&histogram), 0);
    for (size_t i = 0; i < sizeof LEVELS / sizeof *LEVELS; i++)
        cr_assert_eq(histogram_percentile(&histogram, LEVELS[i]), 0);
}

Test(histogram, is_exact_for_a_single_value)
{
    static const uint64_t values[] = {0, 1, 127, 128, 255, 256, 257, 1000003, 123456789012};
    for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
        struct histogram histogram;
        histogram_init(&histogram);
        histogram_add(&histogram, values[k]);
        cr_assert_eq(histogram.min, values[k]);
        cr_assert_eq(histogram_mean(&histogram), values[k]);
        for (size_t i = 0; i < sizeof LEVELS / sizeof *LEVELS; i++)
            cr_assert_eq(histogram_percentile(&histogram, LEVELS[i]), values[k]);
    }
}

Test(histogram, counts_values_beyond_its_range_as_the_greatest_value)
{
    struct histogram histogram;
    histogram_init(&histogram);
    histogram_add(&histogram, GREATEST);
    histogram_add(&histogram, GREATEST + 1);
    histogram_add(&histogram, UINT64_MAX);
    cr_assert_eq(histogram.count, 3);
    cr_assert_eq(histogram.min, GREATEST);
    cr_assert_eq(histogram.max, GREATEST);
    cr_assert_eq(histogram_mean(&histogram), GREATEST);
    cr_assert_eq(histogram_percentile(&histogram, 500000), GREATEST);
    cr_assert_eq(histogram.buckets[HISTOGRAM_BUCKETS - 1], 3);
}

Test(histogram, divides_its_range_into_buckets_without_gap_or_overlap)
{
    uint64_t least = 0;
    for (uint32_t bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        uint64_t most = histogram_bucket_max(bucket);
        cr_assert_geq(most, least);
        cr_assert_leq((most - least) * HISTOGRAM_STEPS, least, "bucket %u is too wide", bucket);
        cr_assert_eq(histogram_bucket(least), bucket);
        cr_assert_eq(histogram_bucket(most), bucket);
        least = most + 1;
    }
    cr_assert_eq(least, GREATEST + 1);
}

Test(histogram, merges_to_the_histogram_of_all_values)
{
    struct histogram shards[3], whole;
    uint64_t state = 7;
    histogram_init(&whole);
    for (size_t i = 0; i < 3; i++)
        histogram_init(&shards[i]);
    for (size_t i = 0; i < SAMPLES; i++) {
        uint64_t value = of_any_magnitude(&state);
        histogram_add(&whole, value);
        histogram_add(&shards[i % 2], value); /* the third stays empty */
    }
    histogram_merge(&shards[2], &shards[0]);
    histogram_merge(&shards[2], &shards[1]);
    cr_assert_arr_eq(&shards[2], &whole, sizeof whole);
    histogram_init(&shards[0]);
    histogram_merge(&whole, &shards[0]);
    cr_assert_arr_eq(&shards[2], &whole, sizeof whole, "an empty one changes nothing");
}

Test(histogram, ranks_counts_whose_product_with_parts_per_million_overflows)
{
    struct histogram histogram;
    histogram_init(&histogram);
    histogram_add(&histogram, 10);
    histogram_add(&histogram, 20);
    histogram.buckets[10] = UINT64_C(3) << 60;
    histogram.buckets[20] = UINT64_C(1) << 60;
    histogram.count = UINT64_C(1) << 62;
    cr_assert_eq(histogram_percentile(&histogram, 750000), 10);
    cr_assert_eq(histogram_percentile(&histogram, 750001), 20);
}

Test(histogram, has_the_percentiles_of_more_values_of_which_it_has_the_smallest)
{
    struct histogram histogram;
    histogram_init(&histogram);
    cr_assert_eq(histogram_percentile_of(&histogram, 0, 500000), UINT64_MAX);
    cr_assert_eq(histogram_percentile_of(&histogram, 3, 500000), UINT64_MAX);
    for (uint64_t i = 1; i <= 99; i++)
        histogram_add(&histogram, i);
    cr_assert_eq(histogram_percentile_of(&histogram, 100, 500000), 50);
    cr_assert_eq(histogram_percentile_of(&histogram, 100, 990000), 99);
    cr_assert_eq(histogram_percentile_of(&histogram, 100, 990001), UINT64_MAX);
    cr_assert_eq(histogram_percentile_of(&histogram, 101, 990000), UINT64_MAX);
    cr_assert_eq(histogram_percentile_of(&histogram, 198, 500000), 99);
}
