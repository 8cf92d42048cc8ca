#include "ctl/output/readable_format.h"

#include <criterion/criterion.h>

Test(readable_format, is_readable)
{
    char text[READABLE_FORMAT_BYTES];
    cr_expect_str_eq(readable_format_integer(0, text), "0");
    cr_expect_str_eq(readable_format_integer(999, text), "999");
    cr_expect_str_eq(readable_format_integer(1000, text), "1,000");
    cr_expect_str_eq(readable_format_integer(UINT64_MAX, text), "18,446,744,073,709,551,615");
    cr_expect_str_eq(readable_format_rate(0.04, text), "0.0");
    cr_expect_str_eq(readable_format_rate(99.94, text), "99.9");
    cr_expect_str_eq(readable_format_rate(99.96, text), "100");
    cr_expect_str_eq(readable_format_rate(1234.5, text), "1,235");
    readable_format_rate(1e30, text);
    cr_expect_str_eq(readable_format_duration(59, text), "59s");
    cr_expect_str_eq(readable_format_duration(61, text), "1m 01s");
    cr_expect_str_eq(readable_format_duration(90061, text), "1d 01h");
    readable_format_duration(UINT64_MAX, text);
}
