/* Tests of base/pacer: rates, catching up, shares of a rate, changes of the rate. */
#include "base/pacer.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static const uint64_t SECOND_NS = 1000000000;

Test(pacer, without_a_rate_allows_everything)
{
    struct pacer pacer;
    pacer_init(&pacer, 0, 5);
    cr_assert_eq(pacer_take(&pacer, 5, 64), 64);
    cr_assert_eq(pacer_take(&pacer, 5, UINT32_MAX), UINT32_MAX);
}

Test(pacer, allows_the_first_copy_at_once_and_the_next_one_a_period_later)
{
    struct pacer pacer;
    pacer_init(&pacer, 10, 0);
    cr_assert_eq(pacer_take(&pacer, 0, 64), 1);
    cr_assert_eq(pacer_take(&pacer, 0, 64), 0);
    cr_assert_eq(pacer_wait_ns(&pacer), SECOND_NS / 10);
    cr_assert_eq(pacer_take(&pacer, SECOND_NS / 10 - 1, 64), 0);
    cr_assert_eq(pacer_wait_ns(&pacer), 1000000, "never less than a millisecond");
    cr_assert_eq(pacer_take(&pacer, SECOND_NS / 10, 64), 1);
}

Test(pacer, keeps_its_rate_over_ten_seconds_of_waits)
{
    static const uint32_t rates[] = {1, 3, 7, 100, 999, 1000, 54321, 1000000};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct pacer pacer;
        uint64_t now_ns = 123, sent = 0, end_ns = now_ns + 10 * SECOND_NS;
        pacer_init(&pacer, rates[i], now_ns);
        while (now_ns < end_ns) {
            uint32_t taken = pacer_take(&pacer, now_ns, 64);
            sent += taken;
            if (taken < 64)
                now_ns += pacer_wait_ns(&pacer);
        }
        uint64_t due = 10 * (uint64_t)rates[i];
        uint64_t burst = rates[i] / (1000 / PACER_BURST_MS) + 1;
        cr_assert_geq(sent, due > burst ? due - burst : 0, "rate %u: %lu of %lu", rates[i], sent,
                      due);
        cr_assert_leq(sent, due + burst, "rate %u: %lu of %lu", rates[i], sent, due);
    }
}

Test(pacer, catches_up_at_most_the_burst_after_a_long_pause)
{
    struct pacer pacer;
    pacer_init(&pacer, 1000, 0);
    cr_assert_eq(pacer_take(&pacer, 0, 64), 1);
    cr_assert_eq(pacer_take(&pacer, 3600 * SECOND_NS, 1000), PACER_BURST_MS);
}

Test(pacer, catches_up_after_a_late_timer_also_at_a_low_rate)
{
    struct pacer pacer;
    pacer_init(&pacer, 10, 0);
    for (uint64_t i = 0; i < 50; i++)
        cr_assert_eq(pacer_take(&pacer, i * SECOND_NS / 10 + i % 2 * 9000000, 64), 1, "copy %lu",
                     i);
}

Test(pacer, takes_back_copies_that_were_not_sent)
{
    struct pacer pacer;
    pacer_init(&pacer, 6400, 0);
    pacer_take(&pacer, 0, 64);
    cr_assert_eq(pacer_take(&pacer, SECOND_NS / 100, 64), 64);
    pacer_return(&pacer, 60);
    cr_assert_eq(pacer_take(&pacer, SECOND_NS / 100, 64), 60);
}

Test(pacer, does_not_overflow_at_the_highest_rate)
{
    struct pacer pacer;
    pacer_init(&pacer, UINT32_MAX, 0);
    pacer_take(&pacer, 0, UINT32_MAX);
    uint32_t taken = pacer_take(&pacer, UINT64_MAX / 2, UINT32_MAX);
    cr_assert_eq(taken, UINT32_MAX / (1000 / PACER_BURST_MS));
}

/* Runs all shares of a rate, one after the other in steps of step_ms, which divides a second.
 * Stores the copies of each second in sent. */
static void run_shares(uint32_t rate_pps, uint32_t shares, uint32_t seconds, uint32_t step_ms,
                       uint32_t *sent)
{
    struct pacer *pacers = calloc(shares, sizeof *pacers);
    for (uint32_t i = 0; i < shares; i++)
        pacer_init_share(&pacers[i], rate_pps, i, shares, 7);
    for (uint32_t second = 0; second < seconds; second++) {
        sent[second] = 0;
        for (uint32_t ms = step_ms; ms <= 1000; ms += step_ms)
            for (uint32_t i = 0; i < shares; i++)
                sent[second] += pacer_take(
                    &pacers[i], 7 + second * SECOND_NS + ms * (SECOND_NS / 1000), UINT32_MAX);
    }
    free(pacers);
}

Test(pacer, of_parts_is_together_the_rate_with_its_remainder_and_below_a_copy_each)
{
    static const uint32_t rates[] = {1, 2, 3, 5, 7, 100, 1001, 54321};
    static const uint32_t shares[] = {1, 2, 3, 4, 7, 256};
    enum { SECONDS = 520 /* twice what the slowest of them needs for a copy */ };
    uint32_t sent[SECONDS];
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        for (size_t k = 0; k < sizeof shares / sizeof shares[0]; k++) {
            bool is_slow = rates[i] < shares[k];
            uint32_t seconds = is_slow ? SECONDS : 20;
            uint64_t all = 0;
            run_shares(rates[i], shares[k], seconds, is_slow ? PACER_BURST_MS : 1, sent);
            for (uint32_t second = 0; second < seconds; second++)
                all += sent[second];
            /* At the end each share may have credit for less than a copy, or have sent its first
             * one early. */
            uint64_t due = (uint64_t)rates[i] * seconds;
            cr_assert(all + shares[k] >= due && all <= due + shares[k],
                      "rate %u, %u shares: %lu of %lu", rates[i], shares[k], all, due);
        }
    }
}

Test(pacer, of_shares_is_even_if_the_rate_is_below_their_number)
{
    enum { SECONDS = 64 };
    uint32_t sent[SECONDS];
    run_shares(3, 12, SECONDS, 1, sent);
    for (uint32_t second = 0; second < SECONDS; second++)
        cr_assert_eq(sent[second], second == 0 ? 1 + 3 : 3, "second %u: %u", second, sent[second]);
}

Test(pacer, of_a_share_waits_for_the_credit_of_a_copy)
{
    struct pacer pacer;
    pacer_init_share(&pacer, 1, 255, 256, 0);
    cr_assert_eq(pacer_take(&pacer, 0, 64), 1);
    cr_assert_eq(pacer_take(&pacer, 1, 64), 0);
    cr_assert_eq(pacer_wait_ns(&pacer), 256 * SECOND_NS - 1);
    cr_assert_eq(pacer_take(&pacer, 256 * SECOND_NS - 1, 64), 0);
    cr_assert_eq(pacer_take(&pacer, 256 * SECOND_NS, 64), 1);
}

Test(pacer, of_a_share_does_not_overflow_at_the_highest_rate)
{
    struct pacer pacer;
    pacer_init_share(&pacer, UINT32_MAX, 255, 256, 0);
    pacer_take(&pacer, 0, UINT32_MAX);
    uint32_t taken = pacer_take(&pacer, UINT64_MAX / 2, UINT32_MAX);
    cr_assert_eq(taken, UINT32_MAX / (1000 / PACER_BURST_MS) / 256);
}

Test(pacer, continues_if_its_rate_is_changed_more_often_than_a_copy_is_sent)
{
    struct pacer shares[4];
    uint64_t sent[4] = {0};
    for (uint32_t share = 0; share < 4; share++)
        pacer_init_share(&shares[share], 1, share, 4, 0);
    for (uint64_t now_ns = 0; now_ns < 400 * SECOND_NS; now_ns += SECOND_NS / 10)
        for (uint32_t share = 0; share < 4; share++) {
            sent[share] += pacer_take(&shares[share], now_ns, 64);
            pacer_set_rate(&shares[share], now_ns / (SECOND_NS / 10) % 2 == 0 ? 2 : 1, now_ns);
        }
    /* Between 1 and 2 a second by all four for 400 s. */
    for (uint32_t share = 0; share < 4; share++)
        cr_expect(sent[share] >= 100 && sent[share] <= 202, "share %u: %lu", share, sent[share]);
}

Test(pacer, a_change_allows_no_more_at_once_than_either_rate)
{
    struct pacer pacer;
    pacer_init(&pacer, 1000000, 0);
    pacer_take(&pacer, 0, 1);
    pacer_set_rate(&pacer, 10, SECOND_NS);
    cr_assert_leq(pacer_take(&pacer, SECOND_NS, 1000), 1);
    pacer_set_rate(&pacer, 0, SECOND_NS);
    cr_assert_eq(pacer_take(&pacer, SECOND_NS, 1000), 1000);
    pacer_set_rate(&pacer, 1000, 2 * SECOND_NS);
    cr_assert_leq(pacer_take(&pacer, 2 * SECOND_NS, 1000), 2);
    cr_assert_eq(pacer_take(&pacer, 60 * SECOND_NS, 1000), PACER_BURST_MS);
}

Test(pacer, continues_where_another_one_was)
{
    struct pacer before, after;
    pacer_init(&before, 10, 0);
    cr_assert_eq(pacer_take(&before, 0, 64), 1);
    cr_assert_eq(pacer_take(&before, SECOND_NS / 20, 64), 0);
    pacer_init(&after, 10, SECOND_NS / 20);
    pacer_continue(&after, before.credit, before.updated_ns);
    cr_assert_eq(pacer_take(&after, SECOND_NS / 10 - 1, 64), 0);
    cr_assert_eq(pacer_take(&after, SECOND_NS / 10, 64), 1);
}

Test(pacer, continues_with_no_more_than_its_own_burst)
{
    struct pacer before, after;
    pacer_init(&before, 1000000, 0);
    cr_assert_eq(pacer_take(&before, SECOND_NS, 1), 1);
    pacer_init(&after, 10, SECOND_NS);
    pacer_continue(&after, before.credit, before.updated_ns);
    cr_assert_eq(pacer_take(&after, SECOND_NS, 64), 1);
    cr_assert_eq(pacer_take(&after, SECOND_NS, 64), 0);
}
