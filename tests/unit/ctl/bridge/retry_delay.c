/* Tests of the delay before an attempt is repeated. */
#include "ctl/bridge/retry_delay.h"

#include <criterion/criterion.h>

TestSuite(retry_delay, .timeout = 10);

Test(retry_delay, doubles_to_the_limit_and_stays_within_half_of_it)
{
    struct retry_delay delay;
    uint32_t limit_ms = RETRY_DELAY_MIN_MS;
    retry_delay_init(&delay, 1);
    for (int i = 0; i < 50; i++) {
        uint32_t ms = retry_delay_take_ms(&delay);
        cr_assert_geq(ms, limit_ms / 2, "attempt %d", i);
        cr_assert_leq(ms, limit_ms, "attempt %d", i);
        limit_ms = 2 * limit_ms < RETRY_DELAY_MAX_MS ? 2 * limit_ms : RETRY_DELAY_MAX_MS;
    }
    retry_delay_reset(&delay);
    cr_assert_leq(retry_delay_take_ms(&delay), RETRY_DELAY_MIN_MS);
}

Test(retry_delay, differs_between_bridges)
{
    struct retry_delay a, b;
    int same = 0;
    retry_delay_init(&a, 1);
    retry_delay_init(&b, 2);
    for (int i = 0; i < 20; i++)
        same += retry_delay_take_ms(&a) == retry_delay_take_ms(&b);
    cr_assert_lt(same, 5);
}
