/* Tests of base/token_bucket: rates and bursts, changes of the limit. */
#include "base/token_bucket.h"

#include <criterion/criterion.h>

static const uint64_t SECOND_NS = 1000000000;

/* Returns how many of `tries` events at one instant are allowed. */
static int taken(const struct token_bucket *limit, uint64_t *due_ns, uint64_t now_ns, int tries)
{
    int count = 0;
    while (tries-- > 0)
        count += token_bucket_take(limit, due_ns, now_ns);
    return count;
}

Test(token_bucket, without_a_rate_allows_everything)
{
    struct token_bucket limit;
    uint64_t due_ns = 0;
    token_bucket_init(&limit, 0, 1);
    cr_assert_eq(taken(&limit, &due_ns, 7, 100000), 100000);
    cr_assert_eq(due_ns, 0);
}

Test(token_bucket, allows_a_burst_and_then_one_event_an_interval)
{
    struct token_bucket limit;
    uint64_t due_ns = 0, now_ns = 5 * SECOND_NS;
    token_bucket_init(&limit, 10, 20);
    cr_assert_eq(taken(&limit, &due_ns, now_ns, 100), 20);
    cr_assert_eq(taken(&limit, &due_ns, now_ns + SECOND_NS / 10 - 1, 100), 0);
    cr_assert_eq(taken(&limit, &due_ns, now_ns + SECOND_NS / 10, 100), 1);
    cr_assert_eq(taken(&limit, &due_ns, now_ns + SECOND_NS, 100), 9);
}

Test(token_bucket, allows_no_more_than_the_burst_after_a_long_pause)
{
    struct token_bucket limit;
    uint64_t due_ns = 0;
    token_bucket_init(&limit, 1000, 3);
    cr_assert_eq(taken(&limit, &due_ns, 0, 10), 3);
    cr_assert_eq(taken(&limit, &due_ns, 3600 * SECOND_NS, 10), 3);
}

Test(token_bucket, a_refusal_changes_nothing)
{
    struct token_bucket limit;
    uint64_t due_ns = 0;
    token_bucket_init(&limit, 1, 1);
    cr_assert(token_bucket_take(&limit, &due_ns, 0));
    uint64_t before_ns = due_ns;
    cr_assert_eq(taken(&limit, &due_ns, SECOND_NS / 2, 1000), 0);
    cr_assert_eq(due_ns, before_ns);
    cr_assert(token_bucket_take(&limit, &due_ns, SECOND_NS));
}

Test(token_bucket, keeps_any_rate_over_a_long_time)
{
    static const uint32_t rates[] = {1, 3, 7, 10, 999, 54321};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct token_bucket limit;
        uint64_t due_ns = 0, count = 0;
        token_bucket_init(&limit, rates[i], 2);
        for (uint64_t now_ns = 0; now_ns < 10 * SECOND_NS; now_ns += 10007)
            count += token_bucket_take(&limit, &due_ns, now_ns);
        cr_assert_geq(count, 10 * (uint64_t)rates[i], "rate %u: %lu", rates[i], count);
        cr_assert_leq(count, 10 * (uint64_t)rates[i] + 12, "rate %u: %lu", rates[i], count);
    }
}

Test(token_bucket, a_sender_delayed_by_an_older_limit_waits_no_longer_than_by_the_new_one)
{
    struct token_bucket limit;
    uint64_t due_ns = 0;
    token_bucket_init(&limit, 1, 60);
    cr_assert_eq(taken(&limit, &due_ns, 0, 100), 60);
    token_bucket_init(&limit, 100, 1);
    cr_assert_eq(taken(&limit, &due_ns, 1, 100), 0);
    cr_assert_eq(taken(&limit, &due_ns, 1 + SECOND_NS / 100, 100), 1);
}

Test(token_bucket, rates_at_the_ends_of_the_range_neither_overflow_nor_divide_by_zero)
{
    struct token_bucket limit;
    uint64_t due_ns = 0;
    token_bucket_init(&limit, UINT32_MAX, UINT32_MAX);
    cr_assert_eq(limit.interval_ns, 1);
    cr_assert(token_bucket_take(&limit, &due_ns, UINT64_MAX / 2));
    token_bucket_init(&limit, 1, UINT32_MAX);
    due_ns = 0;
    cr_assert(token_bucket_take(&limit, &due_ns, UINT64_MAX / 2));
}
