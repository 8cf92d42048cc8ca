#include "load/send/send_schedule.h"

#include <criterion/criterion.h>

enum { SHARES_MAX = 8 };

TestSuite(send_schedule, .timeout = 60);

/* floor(k * 10^9 / rate); the product fits as long as k < 2^34. */
static uint64_t due(uint64_t k, uint32_t rate)
{
    return k * 1000000000 / rate;
}

static uint64_t take(struct schedule *schedule)
{
    uint64_t due_ns = schedule_due_ns(schedule);
    schedule_advance(schedule);
    return due_ns;
}

Test(send_schedule, spaces_requests_evenly_to_the_nanosecond_and_never_drifts)
{
    static const uint32_t rates[] = {1, 3, 7, 1000, 99999, 100000, 333333, SCHEDULE_RATE_MAX};
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        struct schedule schedule;
        schedule_init(&schedule, rates[r], 1, 0);
        for (uint64_t k = 0; k < 200000; k++)
            cr_assert_eq(take(&schedule), due(k, rates[r]), "request %d at %u/s", (int)k, rates[r]);
    }
}

Test(send_schedule, gives_each_share_every_nth_request)
{
    static const uint32_t rates[] = {1, 7, 100000, 3333333};
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        for (uint32_t shares = 1; shares <= SHARES_MAX; shares++) {
            struct schedule all[SHARES_MAX];
            for (uint32_t share = 0; share < shares; share++)
                schedule_init(&all[share], rates[r], shares, share);
            for (uint64_t k = 0; k < 10000; k++)
                cr_assert_eq(take(&all[k % shares]), due(k, rates[r]), "request %d of %u/s in %u",
                             (int)k, rates[r], shares);
        }
    }
}

Test(send_schedule, keeps_its_rate_as_a_poisson_process)
{
    struct schedule schedule;
    uint64_t last_ns = 0;
    schedule_init_poisson(&schedule, 100000, 1, 0, 42);
    for (int i = 0; i < 1000000; i++) {
        uint64_t due_ns = take(&schedule);
        cr_assert(due_ns >= last_ns);
        last_ns = due_ns;
    }
    /* A million gaps of 10 us take 10 s, with a standard deviation of 10 ms. */
    cr_assert(last_ns > 9940000000 && last_ns < 10060000000, "%llu ns",
              (unsigned long long)last_ns);
}

/* As many in each tenth of a second as chance has it: the variance of a Poisson count is its mean.
 */
Test(send_schedule, is_as_irregular_as_a_poisson_process_with_its_shares_together)
{
    enum { WINDOWS = 1000, MEAN = 100 };
    static int counts[WINDOWS];
    for (uint32_t share = 0; share < 4; share++) {
        struct schedule schedule;
        schedule_init_poisson(&schedule, 1000, 4, share, 42);
        for (uint64_t at; (at = take(&schedule) / 100000000) < WINDOWS;)
            counts[at]++;
    }
    double sum = 0, squares = 0;
    for (int i = 0; i < WINDOWS; i++) {
        sum += counts[i];
        squares += (double)counts[i] * counts[i];
    }
    double mean = sum / WINDOWS, variance = squares / WINDOWS - mean * mean;
    cr_assert(mean > 98 && mean < 102, "mean %f", mean);
    cr_assert(variance > 80 && variance < 120, "variance %f", variance);
}

Test(send_schedule, repeats_a_seed_and_gives_shares_seeds_of_their_own)
{
    struct schedule a, b, other_share, other_seed;
    int same = 0;
    schedule_init_poisson(&a, 1000, 2, 0, 1);
    schedule_init_poisson(&b, 1000, 2, 0, 1);
    schedule_init_poisson(&other_share, 1000, 2, 1, 1);
    schedule_init_poisson(&other_seed, 1000, 2, 0, 2);
    for (int i = 0; i < 1000; i++) {
        uint64_t due_ns = take(&a);
        cr_assert_eq(due_ns, take(&b));
        same += due_ns == take(&other_share);
        same += due_ns == take(&other_seed);
    }
    cr_assert(same < 5, "%d times alike", same);
}
