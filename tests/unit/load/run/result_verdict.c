/* Tests of the verdicts on a run: the sender kept up, and enough was answered. */
#include "load/run/result_verdict.h"

#include <criterion/criterion.h>
#include <string.h>

static struct load_result result;

/* Initializes a result without any fault: 1000 requests at 1000/s, each sent 10 us late. */
static void init_result(void)
{
    result = (struct load_result){.requested_rate = 1000, .counts.sent = 1000};
    histogram_init(&result.lag);
    for (int i = 0; i < 1000; i++)
        histogram_add(&result.lag, 10000);
}

static void expect_kept_up(uint64_t unsent, const char *part)
{
    result.unsent = unsent;
    result_verdict_set(&result);
    cr_assert_eq(result.kept_up, part == NULL);
    if (part)
        cr_assert_not_null(strstr(result.why_not, part), "%s", result.why_not);
    else
        cr_assert_null(result.why_not);
}

TestSuite(result_verdict, .init = init_result, .timeout = 10);

Test(result_verdict, finds_no_fault_in_a_punctual_sender)
{
    expect_kept_up(0, NULL);
}

Test(result_verdict, tolerates_1_percent_of_late_requests)
{
    for (int i = 0; i < 8; i++)
        histogram_add(&result.lag, 200000000);
    expect_kept_up(0, NULL);
    for (int i = 0; i < 8; i++)
        histogram_add(&result.lag, 200000000);
    expect_kept_up(0, "late");
}

Test(result_verdict, tolerates_1_percent_of_unsent_requests)
{
    expect_kept_up(10, NULL);
    expect_kept_up(11, "less than 99 %");
}

Test(result_verdict, reports_drops_at_the_senders_sockets)
{
    result.counts.own_drops = 1;
    expect_kept_up(0, "dropped");
}

Test(result_verdict, ignores_lateness_of_a_run_without_a_schedule)
{
    result.requested_rate = 0;
    for (int i = 0; i < 1000; i++)
        histogram_add(&result.lag, 200000000);
    expect_kept_up(500, NULL);
}

/* ---- Replies ---- */

static void expect_enough(struct load_counts counts, uint32_t max_loss_ppm, const char *part)
{
    result.counts = counts;
    result.max_loss_ppm = max_loss_ppm;
    result_verdict_set(&result);
    cr_assert_eq(result.answered_enough, part == NULL);
    if (part)
        cr_assert_not_null(strstr(result.why_too_few, part), "%s", result.why_too_few);
    else
        cr_assert_null(result.why_too_few);
}

Test(result_verdict, needs_one_reply_unless_max_loss_is_given)
{
    struct load_counts one = {.sent = 1000, .replied = 1, .lost = 999};
    expect_enough(one, LOAD_LOSS_ANY, NULL);
    expect_enough(one, 999000, NULL);
    expect_enough(one, 998999, "--max-loss");
}

Test(result_verdict, refuses_a_run_that_sent_nothing)
{
    expect_enough((struct load_counts){.sent = 0}, LOAD_LOSS_ANY, "no request was sent");
}

Test(result_verdict, counts_wrong_and_refused_requests_as_lost)
{
    struct load_counts counts = {
        .sent = 99, .replied = 97, .lost = 1, .wrong = 1, .send_errors = 1};
    expect_enough(counts, 30000, NULL);
    expect_enough(counts, 29999, "--max-loss");
}

Test(result_verdict, reports_why_nothing_was_answered)
{
    expect_enough((struct load_counts){.sent = 9, .lost = 9}, LOAD_LOSS_ANY, "in time");
    expect_enough((struct load_counts){.sent = 9, .lost = 9, .refused = 2}, LOAD_LOSS_ANY,
                  "refused");
    expect_enough((struct load_counts){.sent = 9, .wrong = 9}, LOAD_LOSS_ANY, "--expect");
    expect_enough((struct load_counts){.send_errors = 9}, LOAD_LOSS_ANY, "refused to send");
}

Test(result_verdict, needs_copies_of_a_fan_out_too)
{
    struct load_counts all = {.sent = 100, .replied = 100};
    result.fanout =
        (struct load_fanout){.done = true, .expected = 100, .missing = 100, .targets = 100};
    expect_enough(all, LOAD_LOSS_ANY, "no copy");
    result.fanout.received = 98;
    result.fanout.missing = 2;
    expect_enough(all, LOAD_LOSS_ANY, NULL);
    expect_enough(all, 10000, "copies are missing");
}

Test(result_verdict, distinguishes_a_broadcast_without_targets_from_a_lost_one)
{
    struct load_counts counts = {.sent = 100, .replied = 100};
    result.fanout = (struct load_fanout){.done = true, .expected = 100, .missing = 100};
    expect_enough(counts, LOAD_LOSS_ANY, "--control");
}

Test(result_verdict, needs_confirmations_of_a_fan_out_with_confirm)
{
    struct load_counts all = {.sent = 100, .replied = 100};
    struct load_confirm *confirm = &result.fanout.confirm;
    result.fanout =
        (struct load_fanout){.done = true, .expected = 100, .received = 100, .targets = 100};
    confirm->done = true;
    expect_enough(all, LOAD_LOSS_ANY, "no hello was answered");
    confirm->clients = confirm->silent = 100;
    expect_enough(all, LOAD_LOSS_ANY, "no client confirmed");
    confirm->confirmed = 98;
    confirm->silent = 2;
    expect_enough(all, LOAD_LOSS_ANY, NULL);
    expect_enough(all, 20000, NULL);
    expect_enough(all, 19999, "did not confirm");
    confirm->seen_twice = 1;
    expect_enough(all, LOAD_LOSS_ANY, "twice");
}
