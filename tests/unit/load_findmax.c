#include "load/findmax.h"

#include "core/schedule.h"

#include <criterion/criterion.h>

/* Searches a service that holds up to limit; returns the best, and how many steps it took. */
static uint32_t search(uint32_t first, uint32_t limit, int *steps)
{
    struct findmax search;
    findmax_begin(&search, first);
    *steps = 1;
    while (findmax_go_on(&search, search.rate <= limit ? FINDMAX_HELD : FINDMAX_FELL))
        cr_assert_lt(++*steps, 60);
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
    cr_assert_leq(steps, 11);
}

Test(load_findmax, tries_once_more_where_the_sender_fell_behind)
{
    struct findmax search;
    findmax_begin(&search, 1000);
    cr_assert(findmax_go_on(&search, FINDMAX_UNKNOWN));
    cr_assert_eq(search.rate, 1000);
    cr_assert(findmax_go_on(&search, FINDMAX_HELD));
    cr_assert_eq(search.best, 1000);
    cr_assert_eq(search.rate, 2000);

    cr_assert(findmax_go_on(&search, FINDMAX_UNKNOWN));
    cr_assert_eq(search.rate, 2000);
    cr_assert(findmax_go_on(&search, FINDMAX_UNKNOWN));
    cr_assert_eq(search.worst, 2000, "twice is enough");
    cr_assert_eq(search.rate, 1500);

    cr_assert(findmax_go_on(&search, FINDMAX_UNKNOWN));
    cr_assert(findmax_go_on(&search, FINDMAX_FELL));
    cr_assert_eq(search.rate, 1250, "and then the search goes on as ever");
}
