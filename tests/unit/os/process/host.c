/* The host: description, limit of open files. */
#include "os/process/host.h"

#include <criterion/criterion.h>
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

Test(host, the_name_is_the_first_word_of_the_description)
{
    char name[256], text[512];
    cr_assert_eq(host_name(name, sizeof name), name);
    host_describe(text, sizeof text);
    cr_assert_gt(strlen(name), 0);
    cr_expect(strncmp(text, name, strlen(name)) == 0 && text[strlen(name)] == ',');
    cr_expect_eq(strlen(host_name(name, 2)), 1);
}
