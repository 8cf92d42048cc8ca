#include "load/verdict.h"

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

TestSuite(load_verdict, .init = begin, .timeout = 10);

Test(load_verdict, finds_no_fault_in_a_punctual_sender)
{
    expect_fault(0, NULL);
}

Test(load_verdict, tolerates_one_late_request_in_a_hundred)
{
    for (int i = 0; i < 8; i++)
        histogram_add(&result.lag, 200000000);
    expect_fault(0, NULL);
    for (int i = 0; i < 8; i++)
        histogram_add(&result.lag, 200000000);
    expect_fault(0, "late");
}

Test(load_verdict, tolerates_one_unsent_request_in_a_hundred)
{
    expect_fault(10, NULL);
    expect_fault(11, "less than 99 %");
}

Test(load_verdict, blames_drops_of_its_own)
{
    result.counts.own_drops = 1;
    expect_fault(0, "dropped");
}

Test(load_verdict, asks_no_punctuality_of_a_run_without_a_schedule)
{
    result.requested_rate = 0;
    for (int i = 0; i < 1000; i++)
        histogram_add(&result.lag, 200000000);
    expect_fault(500, NULL);
}
