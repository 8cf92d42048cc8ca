#include "ctl/watch/counter_rates.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const uint64_t S_NS = 1000000000;
static struct counter_rates rates;

static void poll_counter(uint64_t time_ns, const char *name, uint64_t value)
{
    counter_rates_begin(&rates, time_ns);
    counter_rates_add(&rates, name, value);
    counter_rates_end(&rates);
}

static double per_s(const char *name)
{
    const struct counter_rate *rate = counter_rates_find(&rates, name);
    cr_assert_not_null(rate, "%s is missing", name);
    return rate->per_s;
}

Test(counter_rates, the_first_poll_has_no_rates)
{
    poll_counter(5 * S_NS, "received", 1000);
    cr_expect_eq(per_s("received"), 0);
    cr_expect_not(counter_rates_find(&rates, "received")->known);
    cr_expect_null(counter_rates_find(&rates, "sent"));
}

Test(counter_rates, use_the_time_between_the_polls)
{
    poll_counter(1 * S_NS, "received", 1000);
    poll_counter(3 * S_NS, "received", 1100);
    cr_expect_float_eq(per_s("received"), 50, 1e-9);
    poll_counter(3 * S_NS + S_NS / 2, "received", 1100);
    cr_expect_eq(per_s("received"), 0);
    cr_expect(counter_rates_find(&rates, "received")->known);
}

Test(counter_rates, a_counter_that_went_back_has_no_negative_rate)
{
    poll_counter(1 * S_NS, "received", 1000);
    poll_counter(2 * S_NS, "received", 10);
    cr_expect_eq(per_s("received"), 0);
    cr_expect_not(counter_rates_find(&rates, "received")->known);
    poll_counter(3 * S_NS, "received", 30);
    cr_expect_float_eq(per_s("received"), 20, 1e-9);
}

Test(counter_rates, two_polls_at_the_same_time_have_no_rate)
{
    poll_counter(S_NS, "received", 1);
    poll_counter(S_NS, "received", 2);
    cr_expect_eq(per_s("received"), 0);
}

Test(counter_rates, counters_may_appear_and_disappear)
{
    poll_counter(1 * S_NS, "old", 5);
    counter_rates_begin(&rates, 2 * S_NS);
    counter_rates_add(&rates, "a_newer_servers", 7);
    counter_rates_add(&rates, "old", 6);
    counter_rates_end(&rates);
    cr_expect_eq(per_s("a_newer_servers"), 0, "the previous poll did not have it");
    poll_counter(3 * S_NS, "a_newer_servers", 9);
    cr_expect_null(counter_rates_find(&rates, "old"));
    cr_expect_float_eq(per_s("a_newer_servers"), 2, 1e-9);
}

Test(counter_rates, history_has_gaps_for_seconds_without_a_poll)
{
    int levels[6];
    poll_counter(1 * S_NS, "received", 0);
    poll_counter(2 * S_NS, "received", 1);
    poll_counter(5 * S_NS, "received", 4);
    sparkline_levels_with_steps(&counter_rates_find(&rates, "received")->history, 1, levels, 6, 8);
    static const int expected[] = {SPARKLINE_GAP, SPARKLINE_GAP, 8,
                                   SPARKLINE_GAP, SPARKLINE_GAP, 8};
    for (int i = 0; i < 6; i++)
        cr_expect_eq(levels[i], expected[i], "step %d", i);
}

Test(counter_rates, reset_removes_all_counters)
{
    poll_counter(1 * S_NS, "received", 5);
    counter_rates_reset(&rates);
    poll_counter(2 * S_NS, "received", 50);
    cr_expect_eq(per_s("received"), 0);
}

Test(counter_rates, names_are_escaped_and_their_number_is_limited)
{
    counter_rates_begin(&rates, S_NS);
    counter_rates_add(&rates, "bad\x1bname", 1);
    for (int i = 0; i < 2 * COUNTER_RATES_MAX; i++) {
        char name[64];
        snprintf(name, sizeof name, "a_very_long_name_that_goes_on_and_on_and_on_%d", i);
        counter_rates_add(&rates, name + (i & 1) * 40, 1);
    }
    counter_rates_end(&rates);
    cr_expect_leq(rates.count, COUNTER_RATES_MAX);
    cr_expect_str_eq(rates.list[0].name, "bad\\x1bname");
}
