/* Tests of the search for the highest rate, and of the outcome of its steps. */
#include "load/run/rate_search.h"

#include "load/send/send_schedule.h"

#include <criterion/criterion.h>

/* Searches with a service that holds rates up to limit. Returns the best rate and the number of
 * steps. */
static uint32_t search(uint32_t first, uint32_t limit, int *steps)
{
    struct rate_search search;
    rate_search_init(&search, first);
    *steps = 1;
    while (rate_search_next(&search, search.rate <= limit ? RATE_SEARCH_HELD : RATE_SEARCH_FAILED))
        cr_assert_lt(++*steps, 80);
    return search.best;
}

TestSuite(rate_search, .timeout = 10);

Test(rate_search, finds_any_limit_within_2_percent)
{
    static const uint32_t limits[] = {1, 2, 3, 50, 99, 1000, 1999, 123456, 9999999};
    static const uint32_t firsts[] = {1, 1000, SEND_SCHEDULE_RATE_MAX};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        for (size_t f = 0; f < sizeof firsts / sizeof *firsts; f++) {
            int steps;
            uint32_t best = search(firsts[f], limits[i], &steps);
            cr_assert_leq(best, limits[i]);
            cr_assert_geq(best + best / 40 + 1, limits[i], "%u from %u gave %u", limits[i],
                          firsts[f], best);
        }
    }
}

Test(rate_search, ends_at_the_highest_rate_of_a_schedule)
{
    int steps;
    cr_assert_eq(search(1000, UINT32_MAX, &steps), SEND_SCHEDULE_RATE_MAX);
    cr_assert_leq(steps, 15);
}

Test(rate_search, ends_when_nothing_holds)
{
    int steps;
    cr_assert_eq(search(1000, 0, &steps), 0);
    cr_assert_leq(steps, 22);
}

static void expect_next(struct rate_search *search, enum rate_search_outcome outcome, uint32_t rate)
{
    cr_assert(rate_search_next(search, outcome));
    cr_assert_eq(search->rate, rate, "the next is %u, expected %u", search->rate, rate);
}

Test(rate_search, does_not_trust_a_single_failed_step)
{
    static const uint32_t limits[] = {1, 999, 123456};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct rate_search search;
        int tried = 0;
        uint32_t last = 0;
        rate_search_init(&search, 1000);
        for (bool more = true; more;) {
            /* Each rate fails the first time, at any limit. */
            bool again = search.rate == last;
            last = search.rate;
            more = rate_search_next(
                &search, again && search.rate <= limits[i] ? RATE_SEARCH_HELD : RATE_SEARCH_FAILED);
            cr_assert_lt(++tried, 80);
        }
        cr_assert_leq(search.best, limits[i]);
        cr_assert_geq(search.best + search.best / 40 + 1, limits[i], "%u of %u", search.best,
                      limits[i]);
    }
}

Test(rate_search, treats_three_undecided_steps_as_the_senders_limit)
{
    struct rate_search search;
    rate_search_init(&search, 1000);
    expect_next(&search, RATE_SEARCH_UNKNOWN, 1000);
    expect_next(&search, RATE_SEARCH_HELD, 2000);
    expect_next(&search, RATE_SEARCH_UNKNOWN, 2000);
    expect_next(&search, RATE_SEARCH_FAILED, 2000);
    expect_next(&search, RATE_SEARCH_UNKNOWN, 1500);
    cr_assert_eq(search.worst, 2000);
    cr_assert(search.past_sender, "one failure in three steps is not the service's");
    expect_next(&search, RATE_SEARCH_FAILED, 1500);
    expect_next(&search, RATE_SEARCH_UNKNOWN, 1500);
    expect_next(&search, RATE_SEARCH_FAILED, 1250);
    cr_assert_eq(search.worst, 1500);
    cr_assert_not(search.past_sender, "two failures are");
}

/* Another program disturbed the first steps: all lower rates hold. */
Test(rate_search, tries_a_limit_again_if_all_lower_rates_hold)
{
    struct rate_search search;
    rate_search_init(&search, 1000);
    expect_next(&search, RATE_SEARCH_FAILED, 1000);
    expect_next(&search, RATE_SEARCH_FAILED, 500);
    while (search.rate != 1000)
        cr_assert(rate_search_next(&search, RATE_SEARCH_HELD));
    cr_assert_geq(search.best, 980);
    expect_next(&search, RATE_SEARCH_HELD, 2000);
    expect_next(&search, RATE_SEARCH_HELD, 4000);
    cr_assert_eq(search.worst, 0);
}

Test(rate_search, tries_a_limit_again_only_once)
{
    struct rate_search search;
    rate_search_init(&search, 1000);
    expect_next(&search, RATE_SEARCH_FAILED, 1000);
    expect_next(&search, RATE_SEARCH_FAILED, 500);
    while (search.rate != 1000)
        cr_assert(rate_search_next(&search, RATE_SEARCH_HELD));
    expect_next(&search, RATE_SEARCH_FAILED, 1000);
    cr_assert_not(rate_search_next(&search, RATE_SEARCH_FAILED));
    cr_assert_eq(search.worst, 1000);
    cr_assert_geq(search.best, 980);
}

/* Many rates below one that is far too high are too high, too. */
Test(rate_search, continues_below_the_rate_that_the_sender_can_send)
{
    struct rate_search search;
    rate_search_init(&search, SEND_SCHEDULE_RATE_MAX);
    search.sent = 150000;
    expect_next(&search, RATE_SEARCH_UNSENT, SEND_SCHEDULE_RATE_MAX);
    search.sent = 160000;
    expect_next(&search, RATE_SEARCH_UNSENT, 80000);
    expect_next(&search, RATE_SEARCH_HELD, 120000);
    while (rate_search_next(&search, RATE_SEARCH_HELD))
        cr_assert_lt(search.rate, 160000);
    cr_assert_geq(search.best, 156000);
    cr_assert_eq(search.worst, SEND_SCHEDULE_RATE_MAX);
    cr_assert(search.past_sender);
    cr_assert_eq(search.ceiling, 160000);
}

Test(rate_search, ends_if_the_sender_sends_no_more_than_the_best_rate)
{
    struct rate_search search;
    rate_search_init(&search, 100000);
    expect_next(&search, RATE_SEARCH_HELD, 200000);
    search.sent = 101000;
    expect_next(&search, RATE_SEARCH_UNSENT, 200000);
    cr_assert_not(rate_search_next(&search, RATE_SEARCH_UNSENT));
    cr_assert_eq(search.best, 100000);
}

Test(rate_search, never_reports_a_sender_limit_below_the_best_rate)
{
    struct rate_search search;
    rate_search_init(&search, 100000);
    expect_next(&search, RATE_SEARCH_HELD, 200000);
    search.sent = 80000;
    expect_next(&search, RATE_SEARCH_UNSENT, 200000);
    cr_assert_not(rate_search_next(&search, RATE_SEARCH_UNSENT));
    cr_assert_eq(search.best, 100000);
    cr_assert_eq(search.ceiling, 100000);
}

Test(rate_search, does_not_trust_a_single_unsent_step)
{
    struct rate_search search;
    rate_search_init(&search, 1000);
    search.sent = 10;
    expect_next(&search, RATE_SEARCH_UNSENT, 1000);
    expect_next(&search, RATE_SEARCH_HELD, 2000);
    expect_next(&search, RATE_SEARCH_UNKNOWN, 2000);
    expect_next(&search, RATE_SEARCH_UNKNOWN, 2000);
    expect_next(&search, RATE_SEARCH_UNKNOWN, 1500);
    cr_assert_eq(search.ceiling, 0);
}

Test(rate_search, estimates_how_many_steps_are_left)
{
    static const uint32_t limits[] = {1, 7, 999, 1000, 31999, 123456, 9999999};
    static const enum rate_search_outcome above[] = {RATE_SEARCH_FAILED, RATE_SEARCH_UNKNOWN};
    for (size_t i = 0; i < 2 * sizeof limits / sizeof *limits; i++) {
        struct rate_search_left left[100];
        struct rate_search search;
        uint32_t made = 0;
        rate_search_init(&search, 1000);
        do
            left[made++] = rate_search_steps_left(&search);
        while (rate_search_next(&search,
                                search.rate <= limits[i / 2] ? RATE_SEARCH_HELD : above[i % 2]));
        for (uint32_t k = 0; k < made; k++) {
            cr_assert_leq(left[k].least, made - k, "%u steps from %u on", limits[i / 2], k);
            cr_assert_geq(left[k].most, made - k, "%u steps from %u on", limits[i / 2], k);
        }
        cr_assert_leq(left[made - 1].least, 1);
    }
}

/* ---- The outcome of a step ---- */

static const uint64_t SECOND_NS = 1000000000;

/* Returns the result of a step of one second and 1000 requests. */
static struct load_result step(uint64_t lost, bool kept_up)
{
    return (struct load_result){
        .counts = {.sent = 1000, .replied = 1000 - lost, .lost = lost},
        .duration_ns = SECOND_NS,
        .kept_up = kept_up,
    };
}

static void expect_outcome(const struct load_result *result, enum rate_search_outcome outcome)
{
    cr_assert_eq(rate_search_outcome_of(result, SECOND_NS, 1000), outcome);
}

Test(rate_search, attributes_losses_to_the_service_if_the_sender_kept_up)
{
    struct load_result one = step(1, true), two = step(2, true);
    expect_outcome(&one, RATE_SEARCH_HELD);
    expect_outcome(&two, RATE_SEARCH_FAILED);
    two.counts = (struct load_counts){.sent = 1000, .replied = 998, .wrong = 2};
    expect_outcome(&two, RATE_SEARCH_FAILED);
    two.counts = (struct load_counts){.sent = 998, .replied = 998, .send_errors = 2};
    expect_outcome(&two, RATE_SEARCH_FAILED);
    two.counts = (struct load_counts){.send_errors = 1000};
    expect_outcome(&two, RATE_SEARCH_FAILED);
}

/* Late requests are sent in bursts, which are a higher load than the schedule. */
Test(rate_search, holds_if_all_is_answered_even_if_it_was_sent_late)
{
    struct load_result late = step(0, false);
    expect_outcome(&late, RATE_SEARCH_HELD);
    late = step(2, false);
    expect_outcome(&late, RATE_SEARCH_UNKNOWN);
    late.counts = (struct load_counts){.sent = 1000, .replied = 998, .wrong = 2};
    expect_outcome(&late, RATE_SEARCH_FAILED);
}

Test(rate_search, is_undecided_about_a_rate_that_was_not_sent)
{
    struct load_result result = step(0, false);
    result.unsent = 10;
    expect_outcome(&result, RATE_SEARCH_HELD);
    result.unsent = 11;
    expect_outcome(&result, RATE_SEARCH_UNKNOWN);
    result.unsent = 0;
    result.duration_ns += SECOND_NS / 50;
    expect_outcome(&result, RATE_SEARCH_UNKNOWN);
}

Test(rate_search, distinguishes_late_steps_from_unsent_ones)
{
    struct load_result result = step(0, false);
    result.unsent = 100;
    result.requested_rate = 1000;
    result.achieved_rate = 901;
    expect_outcome(&result, RATE_SEARCH_UNKNOWN);
    result.achieved_rate = 899;
    expect_outcome(&result, RATE_SEARCH_UNSENT);
    result = step(2, true);
    result.requested_rate = 1000;
    result.achieved_rate = 1000;
    expect_outcome(&result, RATE_SEARCH_FAILED);
}
