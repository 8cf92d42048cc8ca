/* Tests of number formats in reports. */
#include "load/report/number_format.h"

#include <criterion/criterion.h>

#include <locale.h>
#include <math.h>

static char text[NUMBER_FORMAT_BYTES];

#define expect(number, string) cr_assert_str_eq((number), (string))

Test(number_format, prints_nanoseconds_exactly)
{
    expect(number_format_us(0, text), "0.000");
    expect(number_format_us(7, text), "0.007");
    expect(number_format_us(85203, text), "85.203");
    expect(number_format_us(UINT64_MAX, text), "18446744073709551.615");
    expect(number_format_ms(0, text), "0.000000");
    expect(number_format_ms(85203, text), "0.085203");
    expect(number_format_ms(12000000034, text), "12000.000034");
}

Test(number_format, rounds_seconds_to_milliseconds_and_short_ones_to_microseconds)
{
    expect(number_format_seconds(0, text), "0.000");
    expect(number_format_seconds(499, text), "0.000000");
    expect(number_format_seconds(118500, text), "0.000119");
    expect(number_format_seconds(5000000, text), "0.005");
    expect(number_format_seconds(9999999, text), "0.010000");
    expect(number_format_seconds(10499999, text), "0.010");
    expect(number_format_seconds(10000400000, text), "10.000");
    expect(number_format_seconds(59999500000, text), "60.000");
}

Test(number_format, prints_durations_with_three_digits_and_a_unit)
{
    expect(number_format_duration(0, text), "0 ns");
    expect(number_format_duration(7, text), "7 ns");
    expect(number_format_duration(999, text), "999 ns");
    expect(number_format_duration(1000, text), "1.00 \u00b5s");
    expect(number_format_duration(9994, text), "9.99 \u00b5s");
    expect(number_format_duration(9995, text), "10.0 \u00b5s");
    expect(number_format_duration(85203, text), "85.2 \u00b5s");
    expect(number_format_duration(99949, text), "99.9 \u00b5s");
    expect(number_format_duration(99950, text), "100 \u00b5s");
    expect(number_format_duration(999499, text), "999 \u00b5s");
    expect(number_format_duration(999500, text), "1.00 ms");
    expect(number_format_duration(200311958, text), "200 ms");
    expect(number_format_duration(999500000, text), "1.00 s");
    expect(number_format_duration(2050400000000, text), "2050 s");
}

Test(number_format, prints_rates_with_few_decimals)
{
    expect(number_format_rate(0, text), "0");
    expect(number_format_rate(0.25, text), "0.25");
    expect(number_format_rate(0.0004, text), "0");
    expect(number_format_rate(0.0006, text), "0.001");
    expect(number_format_rate(10, text), "10");
    expect(number_format_rate(99.5, text), "99.5");
    expect(number_format_rate(999.9996, text), "1000");
    expect(number_format_rate(1234.5678, text), "1234.6");
    expect(number_format_rate(100000, text), "100000");
    expect(number_format_rate(99998.71, text), "99998.7");
}

Test(number_format, clamps_rates_and_shares_that_are_not_finite_or_out_of_range)
{
    expect(number_format_rate(NAN, text), "0");
    expect(number_format_rate(INFINITY, text), "0");
    expect(number_format_rate(-INFINITY, text), "0");
    expect(number_format_rate(-1, text), "0");
    expect(number_format_share(NAN, text), "0.000");
    expect(number_format_share(-0.5, text), "0.000");
    expect(number_format_share(INFINITY, text), "1.000");
    expect(number_format_share(1.7, text), "1.000");
    expect(number_format_share(0.9996, text), "1.000");
    expect(number_format_share(0.6180339, text), "0.618");
}

Test(number_format, never_rounds_to_0_or_100_percent)
{
    expect(number_format_percent(0, 0, text), "-");
    expect(number_format_percent(0, 7, text), "0.000");
    expect(number_format_percent(7, 7, text), "100.000");
    expect(number_format_percent(1, 3, text), "33.333");
    expect(number_format_percent(2, 3, text), "66.667");
    expect(number_format_percent(1, 1000, text), "0.100");
    expect(number_format_percent(1, 1000000, text), "<0.001");
    expect(number_format_percent(999999, 1000000, text), ">99.999");
    expect(number_format_percent(UINT64_MAX / 2, UINT64_MAX, text), "50.000");
    expect(number_format_percent(1, UINT64_MAX, text), "<0.001");
}

Test(number_format, groups_thousands)
{
    char plain[NUMBER_FORMAT_BYTES];
    expect(number_format_grouped(number_format_count(0, plain), text), "0");
    expect(number_format_grouped(number_format_count(999, plain), text), "999");
    expect(number_format_grouped(number_format_count(1000, plain), text), "1,000");
    expect(number_format_grouped(number_format_count(1234567, plain), text), "1,234,567");
    expect(number_format_grouped(number_format_count(UINT64_MAX, plain), text),
           "18,446,744,073,709,551,615");
    expect(number_format_grouped(number_format_us(158334975, plain), text), "158,334.975");
    expect(number_format_grouped(number_format_us(UINT64_MAX, plain), text),
           "18,446,744,073,709,551.615");
}

Test(number_format, keeps_its_decimal_point_in_every_locale)
{
    static const char *const commas[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8", "C.UTF-8"};
    for (size_t i = 0; i < sizeof commas / sizeof *commas; i++) {
        setlocale(LC_ALL, commas[i]);
        expect(number_format_us(1500, text), "1.500");
        expect(number_format_rate(0.5, text), "0.5");
    }
}

Test(number_format, prints_ratios_above_1_and_of_any_numbers)
{
    cr_assert_str_eq(number_format_ratio(3583, 3021, text), "1.186");
    cr_assert_str_eq(number_format_ratio(0, 7, text), "0.000");
    cr_assert_str_eq(number_format_ratio(7, 0, text), "-");
    cr_assert_str_eq(number_format_ratio(UINT64_MAX, UINT64_MAX, text), "1.000");
    cr_assert_str_eq(number_format_ratio(UINT64_MAX, 1, text), "18446744073709551.000");
}
