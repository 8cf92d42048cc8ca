/* Tests of the intended send times, evenly spaced and as a Poisson process. */
#include "load/send/send_schedule.h"

#include <criterion/criterion.h>

enum { SHARES_MAX = 8 };

TestSuite(send_schedule, .timeout = 60);

/* floor(k * 10^9 / rate); the product fits as long as k < 2^34. */
static uint64_t due_time(uint64_t k, uint32_t rate)
{
    return k * 1000000000 / rate;
}

static uint64_t next_due(struct send_schedule *schedule)
{
    uint64_t due_ns = send_schedule_due_ns(schedule);
    send_schedule_advance(schedule);
    return due_ns;
}

Test(send_schedule, spaces_requests_evenly_to_the_nanosecond_and_never_drifts)
{
    static const uint32_t rates[] = {1, 3, 7, 1000, 99999, 100000, 333333, SEND_SCHEDULE_RATE_MAX};
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        struct send_schedule schedule;
        send_schedule_init(&schedule, rates[r], 1, 0);
        for (uint64_t k = 0; k < 200000; k++)
            cr_assert_eq(next_due(&schedule), due_time(k, rates[r]), "request %d at %u/s", (int)k,
                         rates[r]);
    }
}

Test(send_schedule, gives_each_share_every_nth_request)
{
    static const uint32_t rates[] = {1, 7, 100000, 3333333};
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        for (uint32_t shares = 1; shares <= SHARES_MAX; shares++) {
            struct send_schedule all[SHARES_MAX];
            for (uint32_t share = 0; share < shares; share++)
                send_schedule_init(&all[share], rates[r], shares, share);
            for (uint64_t k = 0; k < 10000; k++)
                cr_assert_eq(next_due(&all[k % shares]), due_time(k, rates[r]),
                             "request %d of %u/s in %u", (int)k, rates[r], shares);
        }
    }
}

Test(send_schedule, keeps_its_rate_as_a_poisson_process)
{
    struct send_schedule schedule;
    uint64_t last_ns = 0;
    send_schedule_init_poisson(&schedule, 100000, 1, 0, 42);
    for (int i = 0; i < 1000000; i++) {
        uint64_t due_ns = next_due(&schedule);
        cr_assert(due_ns >= last_ns);
        last_ns = due_ns;
    }
    /* A million gaps of 10 us take 10 s, with a standard deviation of 10 ms. */
    cr_assert(last_ns > 9940000000 && last_ns < 10060000000, "%llu ns",
              (unsigned long long)last_ns);
}

/* The variance of the counts in each tenth of a second equals their mean in a Poisson process. */
Test(send_schedule, has_the_variance_of_a_poisson_process_over_all_shares)
{
    enum { WINDOWS = 1000, MEAN = 100 };
    static int counts[WINDOWS];
    for (uint32_t share = 0; share < 4; share++) {
        struct send_schedule schedule;
        send_schedule_init_poisson(&schedule, 1000, 4, share, 42);
        for (uint64_t at; (at = next_due(&schedule) / 100000000) < WINDOWS;)
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

Test(send_schedule, repeats_with_the_same_seed_and_differs_between_shares)
{
    struct send_schedule a, b, other_share, other_seed;
    int same = 0;
    send_schedule_init_poisson(&a, 1000, 2, 0, 1);
    send_schedule_init_poisson(&b, 1000, 2, 0, 1);
    send_schedule_init_poisson(&other_share, 1000, 2, 1, 1);
    send_schedule_init_poisson(&other_seed, 1000, 2, 0, 2);
    for (int i = 0; i < 1000; i++) {
        uint64_t due_ns = next_due(&a);
        cr_assert_eq(due_ns, next_due(&b));
        same += due_ns == next_due(&other_share);
        same += due_ns == next_due(&other_seed);
    }
    cr_assert(same < 5, "%d equal times", same);
}
