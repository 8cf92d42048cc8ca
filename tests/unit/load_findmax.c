#include "load/findmax.h"

#include "base/schedule.h"

#include <criterion/criterion.h>

/* Searches a service that holds up to limit; returns the best, and how many steps it took. */
static uint32_t search(uint32_t first, uint32_t limit, int *steps)
{
    struct findmax search;
    findmax_begin(&search, first);
    *steps = 1;
    while (findmax_go_on(&search, search.rate <= limit ? FINDMAX_HELD : FINDMAX_FELL))
        cr_assert_lt(++*steps, 80);
    return search.best;
}

TestSuite(load_findmax, .timeout = 10);

Test(load_findmax, finds_any_limit_within_a_fiftieth)
{
    static const uint32_t limits[] = {1, 2, 3, 50, 99, 1000, 1999, 123456, 9999999};
    static const uint32_t firsts[] = {1, 1000, SCHEDULE_RATE_MAX};
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

Test(load_findmax, ends_at_the_highest_rate_there_is)
{
    int steps;
    cr_assert_eq(search(1000, UINT32_MAX, &steps), SCHEDULE_RATE_MAX);
    cr_assert_leq(steps, 15);
}

Test(load_findmax, ends_when_nothing_holds)
{
    int steps;
    cr_assert_eq(search(1000, 0, &steps), 0);
    cr_assert_leq(steps, 22);
}

static void expect_next(struct findmax *search, enum findmax_outcome outcome, uint32_t rate)
{
    cr_assert(findmax_go_on(search, outcome));
    cr_assert_eq(search->rate, rate, "the next is %u, expected %u", search->rate, rate);
}

Test(load_findmax, believes_no_single_step_that_falls)
{
    static const uint32_t limits[] = {1, 999, 123456};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct findmax search;
        int tried = 0;
        uint32_t last = 0;
        findmax_begin(&search, 1000);
        for (bool more = true; more;) {
            /* Each rate falls the first time, whatever the service can do. */
            bool again = search.rate == last;
            last = search.rate;
            more = findmax_go_on(&search,
                                 again && search.rate <= limits[i] ? FINDMAX_HELD : FINDMAX_FELL);
            cr_assert_lt(++tried, 80);
        }
        cr_assert_leq(search.best, limits[i]);
        cr_assert_geq(search.best + search.best / 40 + 1, limits[i], "%u of %u", search.best,
                      limits[i]);
    }
}

Test(load_findmax, takes_three_steps_that_tell_nothing_for_the_senders_limit)
{
    struct findmax search;
    findmax_begin(&search, 1000);
    expect_next(&search, FINDMAX_UNKNOWN, 1000);
    expect_next(&search, FINDMAX_HELD, 2000);
    expect_next(&search, FINDMAX_UNKNOWN, 2000);
    expect_next(&search, FINDMAX_FELL, 2000);
    expect_next(&search, FINDMAX_UNKNOWN, 1500);
    cr_assert_eq(search.worst, 2000);
    cr_assert(search.past_sender, "one fall in three tells nothing of the service");
    expect_next(&search, FINDMAX_FELL, 1500);
    expect_next(&search, FINDMAX_UNKNOWN, 1500);
    expect_next(&search, FINDMAX_FELL, 1250);
    cr_assert_eq(search.worst, 1500);
    cr_assert_not(search.past_sender, "two do");
}

/* Something else took the machine for a while: below it, everything holds. */
Test(load_findmax, tries_a_limit_again_that_nothing_below_bears_out)
{
    struct findmax search;
    findmax_begin(&search, 1000);
    expect_next(&search, FINDMAX_FELL, 1000);
    expect_next(&search, FINDMAX_FELL, 500);
    while (search.rate != 1000)
        cr_assert(findmax_go_on(&search, FINDMAX_HELD));
    cr_assert_geq(search.best, 980);
    expect_next(&search, FINDMAX_HELD, 2000);
    expect_next(&search, FINDMAX_HELD, 4000);
    cr_assert_eq(search.worst, 0);
}

Test(load_findmax, tries_a_limit_again_once_and_ends)
{
    struct findmax search;
    findmax_begin(&search, 1000);
    expect_next(&search, FINDMAX_FELL, 1000);
    expect_next(&search, FINDMAX_FELL, 500);
    while (search.rate != 1000)
        cr_assert(findmax_go_on(&search, FINDMAX_HELD));
    expect_next(&search, FINDMAX_FELL, 1000);
    cr_assert_not(findmax_go_on(&search, FINDMAX_FELL));
    cr_assert_eq(search.worst, 1000);
    cr_assert_geq(search.best, 980);
}

/* Below a rate that is far too much there are many that are too much, too. */
Test(load_findmax, goes_on_with_what_the_sender_can_send)
{
    struct findmax search;
    findmax_begin(&search, SCHEDULE_RATE_MAX);
    search.sent = 150000;
    expect_next(&search, FINDMAX_UNSENT, SCHEDULE_RATE_MAX);
    search.sent = 160000;
    expect_next(&search, FINDMAX_UNSENT, 80000);
    expect_next(&search, FINDMAX_HELD, 120000);
    while (findmax_go_on(&search, FINDMAX_HELD))
        cr_assert_lt(search.rate, 160000);
    cr_assert_geq(search.best, 156000);
    cr_assert_eq(search.worst, SCHEDULE_RATE_MAX);
    cr_assert(search.past_sender);
    cr_assert_eq(search.ceiling, 160000);
}

Test(load_findmax, ends_where_the_sender_sends_no_more_than_what_holds)
{
    struct findmax search;
    findmax_begin(&search, 100000);
    expect_next(&search, FINDMAX_HELD, 200000);
    search.sent = 101000;
    expect_next(&search, FINDMAX_UNSENT, 200000);
    cr_assert_not(findmax_go_on(&search, FINDMAX_UNSENT));
    cr_assert_eq(search.best, 100000);
}

Test(load_findmax, never_says_that_the_sender_sends_less_than_what_holds)
{
    struct findmax search;
    findmax_begin(&search, 100000);
    expect_next(&search, FINDMAX_HELD, 200000);
    search.sent = 80000;
    expect_next(&search, FINDMAX_UNSENT, 200000);
    cr_assert_not(findmax_go_on(&search, FINDMAX_UNSENT));
    cr_assert_eq(search.best, 100000);
    cr_assert_eq(search.ceiling, 100000);
}

Test(load_findmax, does_not_believe_a_single_step_that_was_not_sent)
{
    struct findmax search;
    findmax_begin(&search, 1000);
    search.sent = 10;
    expect_next(&search, FINDMAX_UNSENT, 1000);
    expect_next(&search, FINDMAX_HELD, 2000);
    expect_next(&search, FINDMAX_UNKNOWN, 2000);
    expect_next(&search, FINDMAX_UNKNOWN, 2000);
    expect_next(&search, FINDMAX_UNKNOWN, 1500);
    cr_assert_eq(search.ceiling, 0);
}

Test(load_findmax, knows_how_many_steps_are_left)
{
    static const uint32_t limits[] = {1, 7, 999, 1000, 31999, 123456, 9999999};
    static const enum findmax_outcome above[] = {FINDMAX_FELL, FINDMAX_UNKNOWN};
    for (size_t i = 0; i < 2 * sizeof limits / sizeof *limits; i++) {
        struct findmax_left left[100];
        struct findmax search;
        uint32_t made = 0;
        findmax_begin(&search, 1000);
        do
            left[made++] = findmax_steps_left(&search);
        while (findmax_go_on(&search, search.rate <= limits[i / 2] ? FINDMAX_HELD : above[i % 2]));
        for (uint32_t k = 0; k < made; k++) {
            cr_assert_leq(left[k].least, made - k, "%u steps from %u on", limits[i / 2], k);
            cr_assert_geq(left[k].most, made - k, "%u steps from %u on", limits[i / 2], k);
        }
        cr_assert_leq(left[made - 1].least, 1);
    }
}

/* ---- What a step has shown ---- */

static const uint64_t SECOND_NS = 1000000000;

/* A second of a thousand requests, of which so many were lost. */
static struct load_result step(uint64_t lost, bool kept_up)
{
    return (struct load_result){
        .counts = {.sent = 1000, .replied = 1000 - lost, .lost = lost},
        .duration_ns = SECOND_NS,
        .kept_up = kept_up,
    };
}

static void expect_outcome(const struct load_result *result, enum findmax_outcome outcome)
{
    cr_assert_eq(findmax_outcome_of(result, SECOND_NS, 1000), outcome);
}

Test(load_findmax, blames_the_service_for_losses_of_a_sender_that_kept_up)
{
    struct load_result one = step(1, true), two = step(2, true);
    expect_outcome(&one, FINDMAX_HELD);
    expect_outcome(&two, FINDMAX_FELL);
    two.counts = (struct load_counts){.sent = 1000, .replied = 998, .wrong = 2};
    expect_outcome(&two, FINDMAX_FELL);
    two.counts = (struct load_counts){.sent = 998, .replied = 998, .send_errors = 2};
    expect_outcome(&two, FINDMAX_FELL);
    two.counts = (struct load_counts){.send_errors = 1000};
    expect_outcome(&two, FINDMAX_FELL);
}

/* What was sent late came in bursts, which are harder to bear than the schedule. */
Test(load_findmax, takes_what_is_answered_for_held_however_late_it_was_sent)
{
    struct load_result late = step(0, false);
    expect_outcome(&late, FINDMAX_HELD);
    late = step(2, false);
    expect_outcome(&late, FINDMAX_UNKNOWN);
    late.counts = (struct load_counts){.sent = 1000, .replied = 998, .wrong = 2};
    expect_outcome(&late, FINDMAX_FELL);
}

Test(load_findmax, learns_nothing_from_a_rate_that_was_not_sent)
{
    struct load_result result = step(0, false);
    result.unsent = 10;
    expect_outcome(&result, FINDMAX_HELD);
    result.unsent = 11;
    expect_outcome(&result, FINDMAX_UNKNOWN);
    result.unsent = 0;
    result.duration_ns += SECOND_NS / 50;
    expect_outcome(&result, FINDMAX_UNKNOWN);
}

Test(load_findmax, tells_what_was_late_from_what_was_not_sent)
{
    struct load_result result = step(0, false);
    result.unsent = 100;
    result.requested_rate = 1000;
    result.achieved_rate = 901;
    expect_outcome(&result, FINDMAX_UNKNOWN);
    result.achieved_rate = 899;
    expect_outcome(&result, FINDMAX_UNSENT);
    result = step(2, true);
    result.requested_rate = 1000;
    result.achieved_rate = 1000;
    expect_outcome(&result, FINDMAX_FELL);
}
