/* Tests of base/prng: the published sequence, and the distributions. */
#include "base/prng.h"

#include <criterion/criterion.h>

enum { DRAWS = 1000000 };

TestSuite(prng, .timeout = 60);

/* The sequence of xoshiro256** from the state 1 2 3 4, from its authors' code. */
Test(prng, is_the_published_generator)
{
    static const uint64_t first[] = {11520, 0, 1509978240, 1215971899390074240};
    struct prng prng = {{1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        cr_assert_eq(prng_next(&prng), first[i], "number %zu", i);
}

/* splitmix64 from 0: its first output is 0xe220a8397b1dcdaf. */
Test(prng, is_seeded_by_splitmix64)
{
    struct prng prng;
    prng_init(&prng, 0);
    cr_assert_eq(prng.state[0], 0xe220a8397b1dcdafu);
    cr_assert_eq(prng.state[1], 0x6e789e6aa1b965f4u);
}

Test(prng, gives_equal_sequences_only_for_equal_seeds)
{
    struct prng a, b, other;
    prng_init(&a, 7);
    prng_init(&b, 7);
    prng_init(&other, 8);
    for (int i = 0; i < 1000; i++) {
        uint64_t number = prng_next(&a);
        cr_assert_eq(number, prng_next(&b));
        cr_assert_neq(number, prng_next(&other));
    }
}

Test(prng, is_uniform_from_zero_to_below_one)
{
    struct prng prng;
    int tenths[10] = {0};
    prng_init(&prng, 1);
    for (int i = 0; i < DRAWS; i++) {
        double number = prng_uniform(&prng);
        cr_assert(number >= 0 && number < 1);
        tenths[(int)(number * 10)]++;
    }
    /* The standard deviation of each is 300. */
    for (int i = 0; i < 10; i++)
        cr_assert(abs(tenths[i] - DRAWS / 10) < 2000, "tenth %d: %d", i, tenths[i]);
}

/* Of an exponential distribution of mean 1: mean 1, variance 1, and e^-x above x. */
Test(prng, is_exponentially_distributed)
{
    static const struct {
        double above, share;
    } tails[] = {{0.5, 0.60653066}, {1, 0.36787944}, {2, 0.13533528}, {5, 0.00673795}};
    double sum = 0, squares = 0;
    int above[4] = {0};
    struct prng prng;
    prng_init(&prng, 1);
    for (int i = 0; i < DRAWS; i++) {
        double number = prng_exponential(&prng);
        sum += number;
        squares += number * number;
        for (int t = 0; t < 4; t++)
            above[t] += number > tails[t].above;
    }
    double mean = sum / DRAWS, variance = squares / DRAWS - mean * mean;
    cr_assert(mean > 0.99 && mean < 1.01, "mean %f", mean);
    cr_assert(variance > 0.98 && variance < 1.02, "variance %f", variance);
    for (int t = 0; t < 4; t++) {
        double off = (double)above[t] / DRAWS - tails[t].share;
        cr_assert(off > -0.003 && off < 0.003, "above %f: off by %f", tails[t].above, off);
    }
}
