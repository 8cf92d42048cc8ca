#include "ctl/watch/counter_rates.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const uint64_t S_NS = 1000000000;
static struct rates rates;

static void look(uint64_t time_ns, const char *name, uint64_t value)
{
    rates_begin(&rates, time_ns);
    rates_value(&rates, name, value);
    rates_end(&rates);
}

static double per_s(const char *name)
{
    const struct rate *rate = rates_find(&rates, name);
    cr_assert_not_null(rate, "%s is missing", name);
    return rate->per_s;
}

Test(counter_rates, the_first_look_has_no_rates)
{
    look(5 * S_NS, "received", 1000);
    cr_expect_eq(per_s("received"), 0);
    cr_expect_not(rates_find(&rates, "received")->known);
    cr_expect_null(rates_find(&rates, "sent"));
}

Test(counter_rates, are_by_the_time_that_has_really_passed)
{
    look(1 * S_NS, "received", 1000);
    look(3 * S_NS, "received", 1100);
    cr_expect_float_eq(per_s("received"), 50, 1e-9);
    look(3 * S_NS + S_NS / 2, "received", 1100);
    cr_expect_eq(per_s("received"), 0);
    cr_expect(rates_find(&rates, "received")->known);
}

Test(counter_rates, a_counter_that_went_back_has_no_negative_rate)
{
    look(1 * S_NS, "received", 1000);
    look(2 * S_NS, "received", 10);
    cr_expect_eq(per_s("received"), 0);
    cr_expect_not(rates_find(&rates, "received")->known);
    look(3 * S_NS, "received", 30);
    cr_expect_float_eq(per_s("received"), 20, 1e-9);
}

Test(counter_rates, two_looks_at_once_divide_by_nothing)
{
    look(S_NS, "received", 1);
    look(S_NS, "received", 2);
    cr_expect_eq(per_s("received"), 0);
}

Test(counter_rates, counters_may_come_and_go)
{
    look(1 * S_NS, "old", 5);
    rates_begin(&rates, 2 * S_NS);
    rates_value(&rates, "a_newer_servers", 7);
    rates_value(&rates, "old", 6);
    rates_end(&rates);
    cr_expect_eq(per_s("a_newer_servers"), 0, "it was not there before");
    look(3 * S_NS, "a_newer_servers", 9);
    cr_expect_null(rates_find(&rates, "old"));
    cr_expect_float_eq(per_s("a_newer_servers"), 2, 1e-9);
}

Test(counter_rates, remember_each_second_and_which_ones_nobody_looked_in)
{
    int levels[6];
    look(1 * S_NS, "received", 0);
    look(2 * S_NS, "received", 1);
    look(5 * S_NS, "received", 4);
    sparkline_levels_with_steps(&rates_find(&rates, "received")->history, 1, levels, 6, 8);
    static const int expected[] = {SPARKLINE_GAP, SPARKLINE_GAP, 8,
                                   SPARKLINE_GAP, SPARKLINE_GAP, 8};
    for (int i = 0; i < 6; i++)
        cr_expect_eq(levels[i], expected[i], "step %d", i);
}

Test(counter_rates, forget_what_was)
{
    look(1 * S_NS, "received", 5);
    rates_forget(&rates);
    look(2 * S_NS, "received", 50);
    cr_expect_eq(per_s("received"), 0);
}

Test(counter_rates, names_are_shown_escaped_and_their_number_has_a_limit)
{
    rates_begin(&rates, S_NS);
    rates_value(&rates, "bad\x1bname", 1);
    for (int i = 0; i < 2 * RATES_MAX; i++) {
        char name[64];
        snprintf(name, sizeof name, "a_very_long_name_that_goes_on_and_on_and_on_%d", i);
        rates_value(&rates, name + (i & 1) * 40, 1);
    }
    rates_end(&rates);
    cr_expect_leq(rates.count, RATES_MAX);
    cr_expect_str_eq(rates.list[0].name, "bad\\x1bname");
}

Test(counter_rates, tells_losses_by_their_names)
{
    static const struct {
        const char *name;
        bool bad;
    } cases[] = {{"drop_oversize", true},   {"kernel_drops", true},    {"refused_full", true},
                 {"copies_failed", true},   {"reply_failed", true},    {"received", false},
                 {"copies_sent", false},    {"dropper", false},        {"drop", false},
                 {"drop_of_a_newer", true}, {"relay_dropped", true},   {"relay_limited", true},
                 {"streams_slow", true},    {"streams_refused", true}, {"streams_closed", false},
                 {"relayed", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rate rate = {.value = 1};
        snprintf(rate.name, sizeof rate.name, "%s", cases[i].name);
        cr_expect_eq(rate_is_bad(&rate), cases[i].bad, "%s", cases[i].name);
    }
}
