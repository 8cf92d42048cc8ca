#include "base/pacer.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static const uint64_t SECOND_NS = 1000000000;

Test(pacer, without_a_rate_lets_everything_go)
{
    struct pacer pace;
    pacer_init(&pace, 0, 5);
    cr_assert_eq(pacer_take(&pace, 5, 64), 64);
    cr_assert_eq(pacer_take(&pace, 5, UINT32_MAX), UINT32_MAX);
}

Test(pacer, lets_the_first_copy_go_at_once_and_the_next_one_a_period_later)
{
    struct pacer pace;
    pacer_init(&pace, 10, 0);
    cr_assert_eq(pacer_take(&pace, 0, 64), 1);
    cr_assert_eq(pacer_take(&pace, 0, 64), 0);
    cr_assert_eq(pacer_wait_ns(&pace), SECOND_NS / 10);
    cr_assert_eq(pacer_take(&pace, SECOND_NS / 10 - 1, 64), 0);
    cr_assert_eq(pacer_wait_ns(&pace), 1000000, "never less than a millisecond");
    cr_assert_eq(pacer_take(&pace, SECOND_NS / 10, 64), 1);
}

Test(pacer, holds_its_rate_over_ten_seconds_of_ticks_as_it_asks_for_them)
{
    static const uint32_t rates[] = {1, 3, 7, 100, 999, 1000, 54321, 1000000};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct pacer pace;
        uint64_t now_ns = 123, gone = 0, end_ns = now_ns + 10 * SECOND_NS;
        pacer_init(&pace, rates[i], now_ns);
        while (now_ns < end_ns) {
            uint32_t taken = pacer_take(&pace, now_ns, 64);
            gone += taken;
            if (taken < 64)
                now_ns += pacer_wait_ns(&pace);
        }
        uint64_t due = 10 * (uint64_t)rates[i];
        uint64_t burst = rates[i] / (1000 / PACER_BURST_MS) + 1;
        cr_assert_geq(gone, due > burst ? due - burst : 0, "rate %u: %lu of %lu", rates[i], gone,
                      due);
        cr_assert_leq(gone, due + burst, "rate %u: %lu of %lu", rates[i], gone, due);
    }
}

Test(pacer, makes_up_for_no_more_than_the_burst_after_a_long_rest)
{
    struct pacer pace;
    pacer_init(&pace, 1000, 0);
    cr_assert_eq(pacer_take(&pace, 0, 64), 1);
    cr_assert_eq(pacer_take(&pace, 3600 * SECOND_NS, 1000), PACER_BURST_MS);
}

Test(pacer, makes_up_for_a_late_timer_at_a_low_rate_too)
{
    struct pacer pace;
    pacer_init(&pace, 10, 0);
    for (uint64_t i = 0; i < 50; i++)
        cr_assert_eq(pacer_take(&pace, i * SECOND_NS / 10 + i % 2 * 9000000, 64), 1, "copy %lu", i);
}

Test(pacer, gives_back_what_did_not_go)
{
    struct pacer pace;
    pacer_init(&pace, 6400, 0);
    pacer_take(&pace, 0, 64);
    cr_assert_eq(pacer_take(&pace, SECOND_NS / 100, 64), 64);
    pacer_return(&pace, 60);
    cr_assert_eq(pacer_take(&pace, SECOND_NS / 100, 64), 60);
}

Test(pacer, does_not_overflow_at_the_highest_rate)
{
    struct pacer pace;
    pacer_init(&pace, UINT32_MAX, 0);
    pacer_take(&pace, 0, UINT32_MAX);
    uint32_t taken = pacer_take(&pace, UINT64_MAX / 2, UINT32_MAX);
    cr_assert_eq(taken, UINT32_MAX / (1000 / PACER_BURST_MS));
}

/* All parts of a rate at work, each whenever it asks for it, one after the other in steps of a
 * millisecond. Returns the copies of each second in gone. */
static void run_parts(uint32_t rate_pps, uint32_t parts, uint32_t seconds, uint32_t *gone)
{
    struct pacer *paces = calloc(parts, sizeof *paces);
    for (uint32_t i = 0; i < parts; i++)
        pacer_init_part(&paces[i], rate_pps, i, parts, 7);
    for (uint32_t second = 0; second < seconds; second++) {
        gone[second] = 0;
        for (uint32_t ms = 1; ms <= 1000; ms++)
            for (uint32_t i = 0; i < parts; i++)
                gone[second] += pacer_take(
                    &paces[i], 7 + second * SECOND_NS + ms * (SECOND_NS / 1000), UINT32_MAX);
    }
    free(paces);
}

Test(pacer, of_parts_is_together_the_rate_with_its_remainder_and_below_a_copy_each)
{
    static const uint32_t rates[] = {1, 2, 3, 5, 7, 100, 1001, 54321};
    static const uint32_t parts[] = {1, 2, 3, 4, 7, 256};
    enum { SECONDS = 520 /* twice what the slowest of them needs for a copy */ };
    uint32_t gone[SECONDS];
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) {
            uint32_t seconds = rates[i] < parts[k] ? SECONDS : 20;
            uint64_t all = 0;
            run_parts(rates[i], parts[k], seconds, gone);
            for (uint32_t second = 0; second < seconds; second++)
                all += gone[second];
            /* At the end each part may be on its way to a copy, or have had its first one early. */
            uint64_t due = (uint64_t)rates[i] * seconds;
            cr_assert(all + parts[k] >= due && all <= due + parts[k],
                      "rate %u, %u parts: %lu of %lu", rates[i], parts[k], all, due);
        }
    }
}

Test(pacer, of_parts_is_even_where_the_rate_is_below_their_number)
{
    enum { SECONDS = 64 };
    uint32_t gone[SECONDS];
    run_parts(3, 12, SECONDS, gone);
    for (uint32_t second = 0; second < SECONDS; second++)
        cr_assert_eq(gone[second], second == 0 ? 1 + 3 : 3, "second %u: %u", second, gone[second]);
}

Test(pacer, of_a_part_waits_as_long_as_its_copy_takes)
{
    struct pacer pace;
    pacer_init_part(&pace, 1, 255, 256, 0);
    cr_assert_eq(pacer_take(&pace, 0, 64), 1);
    cr_assert_eq(pacer_take(&pace, 1, 64), 0);
    cr_assert_eq(pacer_wait_ns(&pace), 256 * SECOND_NS - 1);
    cr_assert_eq(pacer_take(&pace, 256 * SECOND_NS - 1, 64), 0);
    cr_assert_eq(pacer_take(&pace, 256 * SECOND_NS, 64), 1);
}

Test(pacer, of_a_part_does_not_overflow_at_the_highest_rate)
{
    struct pacer pace;
    pacer_init_part(&pace, UINT32_MAX, 255, 256, 0);
    pacer_take(&pace, 0, UINT32_MAX);
    uint32_t taken = pacer_take(&pace, UINT64_MAX / 2, UINT32_MAX);
    cr_assert_eq(taken, UINT32_MAX / (1000 / PACER_BURST_MS) / 256);
}

Test(pacer, sends_on_though_its_rate_is_changed_more_often_than_a_copy_goes)
{
    struct pacer parts[4];
    uint64_t gone[4] = {0};
    for (uint32_t part = 0; part < 4; part++)
        pacer_init_part(&parts[part], 1, part, 4, 0);
    for (uint64_t now_ns = 0; now_ns < 400 * SECOND_NS; now_ns += SECOND_NS / 10)
        for (uint32_t part = 0; part < 4; part++) {
            gone[part] += pacer_take(&parts[part], now_ns, 64);
            pacer_change(&parts[part], now_ns / (SECOND_NS / 10) % 2 == 0 ? 2 : 1, now_ns);
        }
    /* Between 1 and 2 a second by all four for 400 s. */
    for (uint32_t part = 0; part < 4; part++)
        cr_expect(gone[part] >= 100 && gone[part] <= 202, "part %u: %lu", part, gone[part]);
}

Test(pacer, a_change_gives_no_more_at_once_than_either_rate_would)
{
    struct pacer pace;
    pacer_init(&pace, 1000000, 0);
    pacer_take(&pace, 0, 1);
    pacer_change(&pace, 10, SECOND_NS);
    cr_assert_leq(pacer_take(&pace, SECOND_NS, 1000), 1);
    pacer_change(&pace, 0, SECOND_NS);
    cr_assert_eq(pacer_take(&pace, SECOND_NS, 1000), 1000);
    pacer_change(&pace, 1000, 2 * SECOND_NS);
    cr_assert_leq(pacer_take(&pace, 2 * SECOND_NS, 1000), 2);
    cr_assert_eq(pacer_take(&pace, 60 * SECOND_NS, 1000), PACER_BURST_MS);
}
