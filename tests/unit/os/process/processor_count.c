/* The processors that the process may use. */
#include "os/process/processor_count.h"

#include <criterion/criterion.h>
#include <sched.h>

TestSuite(processor_count, .timeout = 10);

Test(processor_count, counts_the_processors_that_we_may_use)
{
    cpu_set_t before, one;
    cr_assert_eq(sched_getaffinity(0, sizeof before, &before), 0);
    cr_assert_eq(processor_count(), (uint32_t)CPU_COUNT(&before));
    size_t first = 0;
    while (!CPU_ISSET(first, &before))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
    cr_assert_eq(processor_count(), 1);
}

Test(processor_count, numbers_the_processors_that_we_may_use_and_starts_again_after_the_last)
{
    cpu_set_t all;
    uint32_t nth = 0, count = processor_count();
    cr_assert_eq(sched_getaffinity(0, sizeof all, &all), 0);
    for (uint32_t number = 0; number < CPU_SETSIZE; number++) {
        if (!CPU_ISSET(number, &all))
            continue;
        cr_assert_eq(processor_count_nth(nth), number);
        cr_assert_eq(processor_count_nth(nth + count), number);
        nth++;
    }
    cr_assert_eq(nth, count);
}

Test(processor_count, skips_processors_that_we_may_not_use)
{
    cpu_set_t all, last;
    size_t number = CPU_SETSIZE - 1;
    cr_assert_eq(sched_getaffinity(0, sizeof all, &all), 0);
    while (!CPU_ISSET(number, &all))
        number--;
    CPU_ZERO(&last);
    CPU_SET(number, &last);
    cr_assert_eq(sched_setaffinity(0, sizeof last, &last), 0);
    for (uint32_t nth = 0; nth < 3; nth++)
        cr_assert_eq(processor_count_nth(nth), number);
}
