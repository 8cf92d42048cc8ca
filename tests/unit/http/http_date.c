/* Tests of http/http_date: dates of HTTP. */
#include "http/http_date.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

static void expect(uint64_t wall_s, const char *expected)
{
    char text[HTTP_DATE_BYTES];
    cr_expect_str_eq(http_date_format(wall_s * 1000 + 999, text), expected);
}

Test(http_date, a_time_is_written_with_its_weekday)
{
    expect(0, "Thu, 01 Jan 1970 00:00:00 GMT");
    expect(784111777, "Sun, 06 Nov 1994 08:49:37 GMT"); /* the example of RFC 9110 */
    expect(1795942177, "Sun, 29 Nov 2026 08:49:37 GMT");
}

Test(http_date, leap_days_are_days_of_february)
{
    expect(951782399, "Mon, 28 Feb 2000 23:59:59 GMT");
    expect(951782400, "Tue, 29 Feb 2000 00:00:00 GMT");
    expect(951868800, "Wed, 01 Mar 2000 00:00:00 GMT");
    expect(4107542399, "Sun, 28 Feb 2100 23:59:59 GMT");
    expect(4107542400, "Mon, 01 Mar 2100 00:00:00 GMT");
}

Test(http_date, a_year_has_four_digits)
{
    char text[HTTP_DATE_BYTES];
    expect(253402300799, "Fri, 31 Dec 9999 23:59:59 GMT");
    cr_expect_str_eq(http_date_format(UINT64_MAX, text), "Fri, 31 Dec 9999 23:59:59 GMT");
}

Test(http_date, each_day_of_400_years_is_that_of_the_c_library)
{
    for (time_t at = 0; at < (time_t)400 * 366 * 86400; at += 86399) {
        char expected[64], text[HTTP_DATE_BYTES];
        struct tm parts;
        gmtime_r(&at, &parts);
        strftime(expected, sizeof expected, "%a, %d %b %Y %H:%M:%S GMT", &parts);
        cr_assert_str_eq(http_date_format((uint64_t)at * 1000, text), expected);
    }
}
