#include "load/run/verdict.h"

#include <criterion/criterion.h>
#include <string.h>

static struct load_result result;

/* A run in which nothing went wrong: 1000 requests at 1000/s, each sent 10 us late. */
static void begin(void)
{
    result = (struct load_result){.requested_rate = 1000, .counts.sent = 1000};
    histogram_init(&result.lag);
    for (int i = 0; i < 1000; i++)
        histogram_add(&result.lag, 10000);
}

static void expect_fault(uint64_t unsent, const char *part)
{
    result.unsent = unsent;
    verdict_judge(&result);
    cr_assert_eq(result.kept_up, part == NULL);
    if (part)
        cr_assert_not_null(strstr(result.why_not, part), "%s", result.why_not);
    else
        cr_assert_null(result.why_not);
}

TestSuite(verdict, .init = begin, .timeout = 10);

Test(verdict, finds_no_fault_in_a_punctual_sender)
{
    expect_fault(0, NULL);
}

Test(verdict, tolerates_one_late_request_in_a_hundred)
{
    for (int i = 0; i < 8; i++)
        histogram_add(&result.lag, 200000000);
    expect_fault(0, NULL);
    for (int i = 0; i < 8; i++)
        histogram_add(&result.lag, 200000000);
    expect_fault(0, "late");
}

Test(verdict, tolerates_one_unsent_request_in_a_hundred)
{
    expect_fault(10, NULL);
    expect_fault(11, "less than 99 %");
}

Test(verdict, blames_drops_of_its_own)
{
    result.counts.own_drops = 1;
    expect_fault(0, "dropped");
}

Test(verdict, asks_no_punctuality_of_a_run_without_a_schedule)
{
    result.requested_rate = 0;
    for (int i = 0; i < 1000; i++)
        histogram_add(&result.lag, 200000000);
    expect_fault(500, NULL);
}

/* ---- What was answered ---- */

static void expect_lack(struct load_counts counts, uint32_t max_loss_ppm, const char *part)
{
    result.counts = counts;
    result.max_loss_ppm = max_loss_ppm;
    verdict_judge(&result);
    cr_assert_eq(result.answered_enough, part == NULL);
    if (part)
        cr_assert_not_null(strstr(result.why_too_few, part), "%s", result.why_too_few);
    else
        cr_assert_null(result.why_too_few);
}

Test(verdict, is_content_with_one_answer_unless_told_otherwise)
{
    struct load_counts one = {.sent = 1000, .replied = 1, .lost = 999};
    expect_lack(one, LOAD_LOSS_ANY, NULL);
    expect_lack(one, 999000, NULL);
    expect_lack(one, 998999, "--max-loss");
}

Test(verdict, is_not_content_with_a_run_that_sent_nothing)
{
    expect_lack((struct load_counts){.sent = 0}, LOAD_LOSS_ANY, "no request was sent");
}

Test(verdict, counts_wrong_and_unsent_ones_among_what_may_be_lost)
{
    struct load_counts counts = {
        .sent = 99, .replied = 97, .lost = 1, .wrong = 1, .send_errors = 1};
    expect_lack(counts, 30000, NULL);
    expect_lack(counts, 29999, "--max-loss");
}

Test(verdict, says_why_nothing_was_answered)
{
    expect_lack((struct load_counts){.sent = 9, .lost = 9}, LOAD_LOSS_ANY, "in time");
    expect_lack((struct load_counts){.sent = 9, .lost = 9, .refused = 2}, LOAD_LOSS_ANY, "refused");
    expect_lack((struct load_counts){.sent = 9, .wrong = 9}, LOAD_LOSS_ANY, "--expect");
    expect_lack((struct load_counts){.send_errors = 9}, LOAD_LOSS_ANY, "refused to send");
}

Test(verdict, wants_copies_of_a_fan_out_too)
{
    struct load_counts all = {.sent = 100, .replied = 100};
    result.fanout =
        (struct load_fanout){.done = true, .expected = 100, .missing = 100, .targets = 100};
    expect_lack(all, LOAD_LOSS_ANY, "no copy");
    result.fanout.received = 98;
    result.fanout.missing = 2;
    expect_lack(all, LOAD_LOSS_ANY, NULL);
    expect_lack(all, 10000, "copies are missing");
}

Test(verdict, tells_a_broadcast_without_targets_from_one_that_was_lost)
{
    struct load_counts counts = {.sent = 100, .replied = 100};
    result.fanout = (struct load_fanout){.done = true, .expected = 100, .missing = 100};
    expect_lack(counts, LOAD_LOSS_ANY, "--control");
}
