/* Tests of when a client says hello: to which services, how often, and when again. */
#include "client/hello_schedule.h"

#include <criterion/criterion.h>

static const uint64_t SECOND_NS = HELLO_SCHEDULE_INTERVAL_NS;

static struct hello_schedule hello;

static void expect_step(uint64_t now_ns, enum hello_step expected)
{
    enum hello_step step = hello_schedule_step(&hello, now_ns);
    cr_assert_eq(step, expected, "the step was %d, expected %d", (int)step, (int)expected);
}

static void expect_none(void)
{
    cr_assert_eq(hello_schedule_due_ns(&hello), UINT64_MAX);
    expect_step(UINT64_MAX - 1, HELLO_WAIT);
}

/* Expects all tries without an answer from now_ns on, and the end. */
static void expect_tries(uint64_t now_ns)
{
    for (int i = 0; i < HELLO_SCHEDULE_TRIES; i++, now_ns += SECOND_NS) {
        cr_assert_eq(hello_schedule_due_ns(&hello), now_ns);
        expect_step(now_ns - 1, HELLO_WAIT);
        expect_step(now_ns, HELLO_SEND);
    }
    expect_step(now_ns - 1, HELLO_WAIT);
    expect_step(now_ns, HELLO_GIVE_UP);
    expect_none();
}

TestSuite(hello_schedule, .timeout = 10);

Test(hello_schedule, follows_a_reply_once_in_20_seconds_and_three_times_without_a_frame)
{
    const uint64_t round_ns = 20 * SECOND_NS;
    hello_schedule_init(&hello, HELLO_UNASKED);
    expect_none();
    for (uint64_t i = 0; i < HELLO_SCHEDULE_TRIES; i++) {
        uint64_t now_ns = i * (round_ns + SECOND_NS);
        hello_schedule_registered(&hello, now_ns);
        expect_step(now_ns, HELLO_SEND);
        hello_schedule_registered(&hello, now_ns + 1);
        expect_step(now_ns + SECOND_NS - 1, HELLO_WAIT);
        expect_step(now_ns + SECOND_NS, HELLO_GIVE_UP);
        hello_schedule_registered(&hello, now_ns + SECOND_NS + round_ns - 1);
        expect_none();
    }
    hello_schedule_registered(&hello, 1000 * SECOND_NS);
    expect_none();
}

Test(hello_schedule, is_not_sent_earlier_without_a_frame_after_a_lost_request)
{
    hello_schedule_init(&hello, HELLO_UNASKED);
    hello_schedule_registered(&hello, 5);
    expect_step(5, HELLO_SEND);
    hello_schedule_rejoin(&hello);
    hello_schedule_registered(&hello, 6);
    expect_none();
    hello_schedule_registered(&hello, 5 + 20 * SECOND_NS);
    expect_step(5 + 20 * SECOND_NS, HELLO_SEND);
}

Test(hello_schedule, is_repeated_as_soon_as_the_service_sends_a_frame)
{
    hello_schedule_init(&hello, HELLO_UNASKED);
    hello_schedule_registered(&hello, 5);
    expect_step(5, HELLO_SEND);
    expect_step(5 + SECOND_NS, HELLO_GIVE_UP);
    hello_schedule_frame_came(&hello, 6 + SECOND_NS);
    expect_step(6 + SECOND_NS, HELLO_SEND);
    expect_step(6 + 2 * SECOND_NS, HELLO_SEND);
    expect_step(6 + 3 * SECOND_NS, HELLO_GIVE_UP);
    expect_none();
}

Test(hello_schedule, follows_the_first_reply_of_a_service_that_has_sent_a_frame)
{
    hello_schedule_init(&hello, HELLO_UNASKED);
    hello_schedule_frame_came(&hello, 1);
    expect_none();
    hello_schedule_registered(&hello, 5);
    expect_tries(5);
}

Test(hello_schedule, a_further_frame_does_not_bring_the_next_try_forward)
{
    hello_schedule_init(&hello, HELLO_UNASKED);
    hello_schedule_frame_came(&hello, 1);
    expect_none();
    hello_schedule_registered(&hello, 5);
    hello_schedule_frame_came(&hello, 6);
    expect_tries(5);
}

Test(hello_schedule, needs_no_frame_when_the_user_has_asked)
{
    hello_schedule_init(&hello, HELLO_ASKED);
    expect_none();
    hello_schedule_registered(&hello, 5);
    expect_tries(5);
}

Test(hello_schedule, is_never_sent_when_the_user_does_not_want_it)
{
    hello_schedule_init(&hello, HELLO_NEVER);
    hello_schedule_frame_came(&hello, 1);
    hello_schedule_registered(&hello, 1);
    expect_none();
}

Test(hello_schedule, is_not_repeated_after_its_answer)
{
    hello_schedule_init(&hello, HELLO_ASKED);
    hello_schedule_registered(&hello, 5);
    expect_step(5, HELLO_SEND);
    hello_schedule_answered(&hello, 5);
    expect_none();
    hello_schedule_registered(&hello, 6);
    hello_schedule_frame_came(&hello, 6);
    expect_none();
}

Test(hello_schedule, a_further_reply_does_not_bring_the_next_try_forward)
{
    hello_schedule_init(&hello, HELLO_ASKED);
    hello_schedule_registered(&hello, 5);
    expect_step(5, HELLO_SEND);
    hello_schedule_registered(&hello, 6);
    cr_assert_eq(hello_schedule_due_ns(&hello), 5 + SECOND_NS);
}

Test(hello_schedule, is_sent_again_with_all_tries_after_the_client_has_joined_anew)
{
    hello_schedule_init(&hello, HELLO_ASKED);
    hello_schedule_registered(&hello, 5);
    expect_step(5, HELLO_SEND);
    hello_schedule_answered(&hello, 5);
    for (uint64_t now_ns = 10 * SECOND_NS; now_ns <= 30 * SECOND_NS; now_ns += 10 * SECOND_NS) {
        hello_schedule_rejoin(&hello);
        expect_none();
        hello_schedule_registered(&hello, now_ns);
        expect_tries(now_ns);
    }
}

Test(hello_schedule, has_no_more_tries_for_a_service_that_never_answered_one)
{
    hello_schedule_init(&hello, HELLO_ASKED);
    hello_schedule_registered(&hello, 5);
    expect_step(5, HELLO_SEND);
    hello_schedule_rejoin(&hello);
    expect_none();
    hello_schedule_registered(&hello, 6);
    expect_step(6, HELLO_SEND);
    hello_schedule_rejoin(&hello);
    hello_schedule_registered(&hello, 7);
    expect_step(7, HELLO_SEND);
    hello_schedule_rejoin(&hello);
    hello_schedule_registered(&hello, 8);
    expect_none();
}

Test(hello_schedule, is_sent_again_at_once_after_a_challenge_as_the_same_try)
{
    hello_schedule_init(&hello, HELLO_ASKED);
    cr_assert_not(hello_schedule_challenged(&hello, 1), "no hello is open");
    hello_schedule_registered(&hello, 5);
    cr_assert_not(hello_schedule_challenged(&hello, 5), "none was sent yet");
    expect_step(5, HELLO_SEND);
    cr_assert(hello_schedule_challenged(&hello, 6));
    expect_tries(6);
}

Test(hello_schedule, is_sent_again_once_after_a_challenge_that_came_twice)
{
    hello_schedule_init(&hello, HELLO_ASKED);
    hello_schedule_registered(&hello, 5);
    expect_step(5, HELLO_SEND);
    cr_assert(hello_schedule_challenged(&hello, 6));
    cr_assert(hello_schedule_challenged(&hello, 6), "it is still open");
    expect_tries(6);
}

Test(hello_schedule, is_answered_by_a_bounded_number_of_challenges)
{
    hello_schedule_init(&hello, HELLO_ASKED);
    hello_schedule_registered(&hello, 5);
    expect_step(5, HELLO_SEND);
    for (int i = 0; i < HELLO_SCHEDULE_CHALLENGES; i++) {
        cr_assert(hello_schedule_challenged(&hello, 5));
        expect_step(5, HELLO_SEND);
    }
    cr_assert(hello_schedule_challenged(&hello, 5), "it is open, and is not sent again at once");
    expect_step(5, HELLO_WAIT);
    cr_assert_eq(hello_schedule_due_ns(&hello), 5 + SECOND_NS);
    hello_schedule_answered(&hello, 6);
    cr_assert_not(hello_schedule_challenged(&hello, 7));
    hello_schedule_registered(&hello, 6 + HELLO_SCHEDULE_RENEWAL_NS);
    expect_step(6 + HELLO_SCHEDULE_RENEWAL_NS, HELLO_SEND);
    cr_assert(hello_schedule_challenged(&hello, 7 + HELLO_SCHEDULE_RENEWAL_NS));
    expect_tries(7 + HELLO_SCHEDULE_RENEWAL_NS);
}

Test(hello_schedule, ends_at_an_echo_service)
{
    hello_schedule_init(&hello, HELLO_ASKED);
    hello_schedule_registered(&hello, 5);
    expect_step(5, HELLO_SEND);
    hello_schedule_end(&hello);
    expect_none();
    hello_schedule_rejoin(&hello);
    hello_schedule_registered(&hello, 6);
    expect_none();
}

Test(hello_schedule, is_sent_again_with_a_reply_20_seconds_after_its_answer)
{
    hello_schedule_init(&hello, HELLO_UNASKED);
    hello_schedule_frame_came(&hello, 1);
    hello_schedule_registered(&hello, 5);
    expect_step(5, HELLO_SEND);
    hello_schedule_answered(&hello, 7);
    hello_schedule_registered(&hello, 7 + 20 * SECOND_NS - 1);
    expect_none();
    hello_schedule_registered(&hello, 7 + 20 * SECOND_NS);
    expect_tries(7 + 20 * SECOND_NS);
}

Test(hello_schedule, is_sent_again_20_seconds_after_lost_tries_to_a_service_that_has_answered_one)
{
    const uint64_t round_ns = (20 + HELLO_SCHEDULE_TRIES) * SECOND_NS;
    hello_schedule_init(&hello, HELLO_ASKED);
    hello_schedule_registered(&hello, 0);
    expect_step(0, HELLO_SEND);
    hello_schedule_answered(&hello, 0);
    for (uint64_t now_ns = 20 * SECOND_NS; now_ns < 10 * round_ns; now_ns += round_ns) {
        hello_schedule_registered(&hello, now_ns - 1);
        expect_none();
        hello_schedule_registered(&hello, now_ns);
        expect_tries(now_ns);
    }
}

Test(hello_schedule, replies_between_the_tries_of_a_renewal_begin_no_others)
{
    hello_schedule_init(&hello, HELLO_ASKED);
    hello_schedule_registered(&hello, 0);
    expect_step(0, HELLO_SEND);
    hello_schedule_answered(&hello, 0);
    for (uint64_t i = 0; i < HELLO_SCHEDULE_TRIES; i++) {
        hello_schedule_registered(&hello, (20 + i) * SECOND_NS);
        expect_step((20 + i) * SECOND_NS, HELLO_SEND);
        hello_schedule_registered(&hello, (20 + i) * SECOND_NS + 1);
    }
    expect_step((20 + HELLO_SCHEDULE_TRIES) * SECOND_NS, HELLO_GIVE_UP);
    expect_none();
}

Test(hello_schedule, is_not_sent_again_to_a_service_that_never_answered_one)
{
    hello_schedule_init(&hello, HELLO_ASKED);
    hello_schedule_registered(&hello, 5);
    expect_tries(5);
    hello_schedule_registered(&hello, 1000 * SECOND_NS);
    expect_none();
}
