#include "core/pace.h"

#include <criterion/criterion.h>

static const uint64_t SECOND_NS = 1000000000;

Test(pace, without_a_rate_lets_everything_go)
{
    struct pace pace;
    pace_init(&pace, 0, 5);
    cr_assert_eq(pace_take(&pace, 5, 64), 64);
    cr_assert_eq(pace_take(&pace, 5, UINT32_MAX), UINT32_MAX);
}

Test(pace, lets_the_first_copy_go_at_once_and_the_next_one_a_period_later)
{
    struct pace pace;
    pace_init(&pace, 10, 0);
    cr_assert_eq(pace_take(&pace, 0, 64), 1);
    cr_assert_eq(pace_take(&pace, 0, 64), 0);
    cr_assert_eq(pace_wait_ns(&pace), SECOND_NS / 10);
    cr_assert_eq(pace_take(&pace, SECOND_NS / 10 - 1, 64), 0);
    cr_assert_eq(pace_wait_ns(&pace), 1000000, "never less than a millisecond");
    cr_assert_eq(pace_take(&pace, SECOND_NS / 10, 64), 1);
}

Test(pace, holds_its_rate_over_ten_seconds_of_ticks_as_it_asks_for_them)
{
    static const uint32_t rates[] = {1, 3, 7, 100, 999, 1000, 54321, 1000000};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct pace pace;
        uint64_t now_ns = 123, gone = 0, end_ns = now_ns + 10 * SECOND_NS;
        pace_init(&pace, rates[i], now_ns);
        while (now_ns < end_ns) {
            uint32_t taken = pace_take(&pace, now_ns, 64);
            gone += taken;
            if (taken < 64)
                now_ns += pace_wait_ns(&pace);
        }
        uint64_t due = 10 * (uint64_t)rates[i];
        uint64_t burst = rates[i] / (1000 / PACE_BURST_MS) + 1;
        cr_assert_geq(gone, due > burst ? due - burst : 0, "rate %u: %lu of %lu", rates[i], gone,
                      due);
        cr_assert_leq(gone, due + burst, "rate %u: %lu of %lu", rates[i], gone, due);
    }
}

Test(pace, makes_up_for_no_more_than_the_burst_after_a_long_rest)
{
    struct pace pace;
    pace_init(&pace, 1000, 0);
    cr_assert_eq(pace_take(&pace, 0, 64), 1);
    cr_assert_eq(pace_take(&pace, 3600 * SECOND_NS, 1000), PACE_BURST_MS);
}

Test(pace, gives_back_what_did_not_go)
{
    struct pace pace;
    pace_init(&pace, 6400, 0);
    pace_take(&pace, 0, 64);
    cr_assert_eq(pace_take(&pace, SECOND_NS / 100, 64), 64);
    pace_return(&pace, 60);
    cr_assert_eq(pace_take(&pace, SECOND_NS / 100, 64), 60);
}

Test(pace, does_not_overflow_at_the_highest_rate)
{
    struct pace pace;
    pace_init(&pace, UINT32_MAX, 0);
    pace_take(&pace, 0, UINT32_MAX);
    uint32_t taken = pace_take(&pace, UINT64_MAX / 2, UINT32_MAX);
    cr_assert_eq(taken, UINT32_MAX / (1000 / PACE_BURST_MS));
}
