/* Tests of the window of messages: which are shown, and when they are confirmed. */
#include "client/message_window.h"

#include <criterion/criterion.h>

#include <string.h>

static struct message_window window;

static void begin(void)
{
    memset(&window, 0, sizeof window);
}

/* Expects that exactly this confirmation is due, and takes it. */
static void expect_due(uint64_t now_ns, uint64_t expected)
{
    uint64_t job;
    cr_assert(message_window_take_due(&window, now_ns, &job));
    cr_assert_eq(job, expected);
}

static void expect_none_due(uint64_t now_ns)
{
    uint64_t job;
    cr_assert_not(message_window_take_due(&window, now_ns, &job));
}

TestSuite(message_window, .init = begin, .timeout = 10);

Test(message_window, shows_each_message_once)
{
    cr_assert(message_window_add(&window, 1, 10));
    cr_assert_not(message_window_add(&window, 1, 20));
    cr_assert(message_window_add(&window, 2, 30));
    cr_assert_not(message_window_add(&window, 1, 40));
    cr_assert_not(message_window_add(&window, 2, 40));
}

Test(message_window, confirms_at_the_time_that_was_drawn_and_in_the_order_of_these_times)
{
    cr_assert_eq(message_window_due_ns(&window), UINT64_MAX);
    message_window_add(&window, 1, 30);
    message_window_add(&window, 2, 10);
    message_window_add(&window, 3, 20);
    cr_assert_eq(message_window_due_ns(&window), 10);
    expect_none_due(9);
    expect_due(25, 2);
    expect_due(25, 3);
    expect_none_due(25);
    cr_assert_eq(message_window_due_ns(&window), 30);
    expect_due(30, 1);
    cr_assert_eq(message_window_due_ns(&window), UINT64_MAX);
}

Test(message_window, confirms_a_repeated_message_again_but_not_twice_for_repeats_that_come_together)
{
    message_window_add(&window, 1, 10);
    message_window_add(&window, 1, 5);
    cr_assert_eq(message_window_due_ns(&window), 10, "the first time that was drawn stays");
    expect_due(10, 1);
    expect_none_due(UINT64_MAX - 1);
    message_window_add(&window, 1, 20);
    expect_none_due(19);
    expect_due(20, 1);
}

Test(message_window, never_confirms_without_a_time)
{
    cr_assert(message_window_add(&window, 1, UINT64_MAX));
    cr_assert_not(message_window_add(&window, 1, UINT64_MAX));
    expect_none_due(UINT64_MAX);
}

Test(message_window, forgets_the_oldest_beyond_its_size)
{
    for (uint64_t job = 1; job <= MESSAGE_WINDOW_SIZE; job++)
        cr_assert(message_window_add(&window, job, UINT64_MAX));
    for (uint64_t job = 1; job <= MESSAGE_WINDOW_SIZE; job++)
        cr_assert_not(message_window_add(&window, job, UINT64_MAX));
    cr_assert(message_window_add(&window, MESSAGE_WINDOW_SIZE + 1, UINT64_MAX));
    cr_assert_not(message_window_add(&window, 2, UINT64_MAX), "only the oldest is forgotten");
    cr_assert(message_window_add(&window, 1, UINT64_MAX));
}

Test(message_window, is_empty_after_it_was_cleared)
{
    message_window_add(&window, 1, 10);
    message_window_clear(&window);
    cr_assert_eq(message_window_due_ns(&window), UINT64_MAX);
    expect_none_due(10);
    cr_assert(message_window_add(&window, 1, 20));
    expect_due(20, 1);
}
