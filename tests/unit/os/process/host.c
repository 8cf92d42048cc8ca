/* The host: description, processors, limit of open files. */
#include "os/process/host.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

TestSuite(host, .timeout = 10);

Test(host, is_described_by_name_kernel_and_processors)
{
    struct utsname names;
    char text[256];
    uname(&names);
    cr_assert_eq(host_describe(text, sizeof text), text);
    cr_assert_not_null(strstr(text, names.nodename));
    cr_assert_not_null(strstr(text, names.release));
    cr_assert_not_null(strstr(text, "processor"));
}

Test(host, counts_the_processors_that_we_may_use)
{
    cpu_set_t before, one;
    cr_assert_eq(sched_getaffinity(0, sizeof before, &before), 0);
    cr_assert_eq(host_processors(), (uint32_t)CPU_COUNT(&before));
    size_t first = 0;
    while (!CPU_ISSET(first, &before))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
    cr_assert_eq(host_processors(), 1);
}

Test(host, numbers_the_processors_that_we_may_use_and_starts_again_after_the_last)
{
    cpu_set_t all;
    uint32_t nth = 0, count = host_processors();
    cr_assert_eq(sched_getaffinity(0, sizeof all, &all), 0);
    for (uint32_t number = 0; number < CPU_SETSIZE; number++) {
        if (!CPU_ISSET(number, &all))
            continue;
        cr_assert_eq(host_processor_number(nth), number);
        cr_assert_eq(host_processor_number(nth + count), number);
        nth++;
    }
    cr_assert_eq(nth, count);
}

Test(host, skips_processors_that_we_may_not_use)
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
        cr_assert_eq(host_processor_number(nth), number);
}

Test(host, raises_the_soft_limit_of_files_up_to_the_hard_one)
{
    if (getenv("UDPSRV_VALGRIND"))
        cr_skip("valgrind keeps descriptors for itself");
    struct rlimit limit = {.rlim_cur = 100, .rlim_max = 200};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_assert_eq(host_raise_file_limit(50), 100);
    cr_assert_eq(host_raise_file_limit(150), 150);
    getrlimit(RLIMIT_NOFILE, &limit);
    cr_assert_eq(limit.rlim_cur, 150);
}
