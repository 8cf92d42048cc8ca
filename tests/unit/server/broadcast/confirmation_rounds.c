/* When the rounds of a confirmed broadcast begin, and when it ends. */
#include "server/broadcast/confirmation_rounds.h"

#include "wire/frame.h"

#include <criterion/criterion.h>

TestSuite(confirmation_rounds, .timeout = 60);

enum { WITHIN_MS = CONFIRMATION_WITHIN_DEFAULT_MS };

/* Returns a schedule whose first round has ended at that time, with the given interval. */
static struct confirmation_rounds after_first(uint64_t now_ms, uint32_t within_ms,
                                              uint32_t interval_ms)
{
    struct confirmation_rounds rounds;
    confirmation_rounds_init(&rounds, within_ms, interval_ms - CONFIRMATION_INTERVAL_MIN_MS);
    cr_assert_eq(rounds.interval_ms, interval_ms);
    cr_assert_eq(rounds.begun, 0);
    confirmation_rounds_begin(&rounds);
    confirmation_rounds_end(&rounds, now_ms);
    return rounds;
}

Test(confirmation_rounds, have_an_interval_from_2_to_3_seconds_for_any_random_number)
{
    struct confirmation_rounds rounds;
    uint32_t least = UINT32_MAX, most = 0;
    for (uint32_t random = 0; random < 5000; random++) {
        confirmation_rounds_init(&rounds, WITHIN_MS, random * UINT32_C(2654435761));
        least = rounds.interval_ms < least ? rounds.interval_ms : least;
        most = rounds.interval_ms > most ? rounds.interval_ms : most;
    }
    cr_assert_geq(least, CONFIRMATION_INTERVAL_MIN_MS);
    cr_assert_leq(most, CONFIRMATION_INTERVAL_MAX_MS);
    cr_assert_leq(least, CONFIRMATION_INTERVAL_MIN_MS + 10, "the whole range is used");
    cr_assert_geq(most, CONFIRMATION_INTERVAL_MAX_MS - 10);
}

Test(confirmation_rounds, follow_the_first_one_at_one_two_four_and_eight_intervals)
{
    struct confirmation_rounds rounds = after_first(1000, WITHIN_MS, 2500);
    const uint64_t due_ms[] = {3500, 6000, 11000, 21000};
    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq(confirmation_rounds_next_ms(&rounds), due_ms[i]);
        confirmation_rounds_begin(&rounds);
        confirmation_rounds_end(&rounds, due_ms[i]);
    }
    cr_assert_eq(rounds.begun, CONFIRMATION_ROUNDS_MAX);
    cr_assert_eq(confirmation_rounds_next_ms(&rounds), UINT64_MAX);
}

Test(confirmation_rounds, do_not_begin_when_the_time_has_passed)
{
    struct confirmation_rounds rounds = after_first(0, 5000, 2500);
    cr_assert_eq(confirmation_rounds_next_ms(&rounds), 2500);
    confirmation_rounds_begin(&rounds);
    confirmation_rounds_end(&rounds, 2500);
    cr_assert_eq(confirmation_rounds_next_ms(&rounds), UINT64_MAX);
}

Test(confirmation_rounds, that_are_held_back_are_not_lost_and_keep_their_intervals)
{
    struct confirmation_rounds rounds = after_first(1000, 7000, 2500);
    cr_assert_not(confirmation_rounds_have_expired(&rounds, 3500));
    cr_assert_not(confirmation_rounds_have_expired(&rounds, 500000), "the round is held back");
    confirmation_rounds_begin(&rounds);
    confirmation_rounds_end(&rounds, 500000);
    cr_assert_eq(confirmation_rounds_next_ms(&rounds), 502500);
    cr_assert_not(confirmation_rounds_have_expired(&rounds, 600000), "so is the next one");
    confirmation_rounds_begin(&rounds);
    confirmation_rounds_end(&rounds, 600000);
    cr_assert_eq(confirmation_rounds_next_ms(&rounds), UINT64_MAX);
    cr_assert_not(confirmation_rounds_have_expired(&rounds, 601999));
    cr_assert(confirmation_rounds_have_expired(&rounds, 602000),
              "the last one is due after 5 s of 7 s, so 2 s are left for confirmations");
}

Test(confirmation_rounds, end_when_the_time_after_the_first_one_has_passed)
{
    struct confirmation_rounds rounds = after_first(7000, 2000, 2500);
    cr_assert_not(confirmation_rounds_have_expired(&rounds, 7000));
    cr_assert_not(confirmation_rounds_have_expired(&rounds, 8999));
    cr_assert(confirmation_rounds_have_expired(&rounds, 9000));
}

Test(confirmation_rounds, give_time_so_that_at_most_100000_clients_confirm_in_a_second)
{
    cr_assert_eq(confirmation_rounds_leisure(0), 0);
    cr_assert_eq(confirmation_rounds_leisure(CONFIRMATION_LEISURE_FREE_CLIENTS), 0);
    cr_assert_eq(confirmation_rounds_leisure(CONFIRMATION_LEISURE_FREE_CLIENTS + 1), 1);
    cr_assert_eq(confirmation_rounds_leisure(10000), 1);
    cr_assert_eq(confirmation_rounds_leisure(10001), 2);
    cr_assert_eq(confirmation_rounds_leisure(140001), 15);
    cr_assert_eq(confirmation_rounds_leisure(UINT64_MAX), 15);
    cr_assert_lt(CONFIRMATION_LEISURE_MAX * FRAME_LEISURE_UNIT_MS, CONFIRMATION_INTERVAL_MIN_MS);
}
