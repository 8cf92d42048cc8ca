#include "load/figures.h"

#include <criterion/criterion.h>

#include <locale.h>
#include <math.h>

static char text[FIGURE_BYTES];

#define expect(figure, string) cr_assert_str_eq((figure), (string))

Test(load_figures, writes_nanoseconds_exactly)
{
    expect(figure_us(0, text), "0.000");
    expect(figure_us(7, text), "0.007");
    expect(figure_us(85203, text), "85.203");
    expect(figure_us(UINT64_MAX, text), "18446744073709551.615");
    expect(figure_ms(0, text), "0.000000");
    expect(figure_ms(85203, text), "0.085203");
    expect(figure_ms(12000000034, text), "12000.000034");
}

Test(load_figures, rounds_seconds_to_milliseconds_and_short_ones_to_microseconds)
{
    expect(figure_seconds(0, text), "0.000");
    expect(figure_seconds(499, text), "0.000000");
    expect(figure_seconds(118500, text), "0.000119");
    expect(figure_seconds(5000000, text), "0.005");
    expect(figure_seconds(9999999, text), "0.010000");
    expect(figure_seconds(10499999, text), "0.010");
    expect(figure_seconds(10000400000, text), "10.000");
    expect(figure_seconds(59999500000, text), "60.000");
}

Test(load_figures, gives_people_three_digits_and_a_unit)
{
    expect(figure_duration(0, text), "0 ns");
    expect(figure_duration(7, text), "7 ns");
    expect(figure_duration(999, text), "999 ns");
    expect(figure_duration(1000, text), "1.00 \u00b5s");
    expect(figure_duration(9994, text), "9.99 \u00b5s");
    expect(figure_duration(9995, text), "10.0 \u00b5s");
    expect(figure_duration(85203, text), "85.2 \u00b5s");
    expect(figure_duration(99949, text), "99.9 \u00b5s");
    expect(figure_duration(99950, text), "100 \u00b5s");
    expect(figure_duration(999499, text), "999 \u00b5s");
    expect(figure_duration(999500, text), "1.00 ms");
    expect(figure_duration(200311958, text), "200 ms");
    expect(figure_duration(999500000, text), "1.00 s");
    expect(figure_duration(2050400000000, text), "2050 s");
}

Test(load_figures, writes_a_rate_with_the_decimals_that_matter)
{
    expect(figure_rate(0, text), "0");
    expect(figure_rate(0.25, text), "0.25");
    expect(figure_rate(0.0004, text), "0");
    expect(figure_rate(0.0006, text), "0.001");
    expect(figure_rate(10, text), "10");
    expect(figure_rate(99.5, text), "99.5");
    expect(figure_rate(999.9996, text), "1000");
    expect(figure_rate(1234.5678, text), "1234.6");
    expect(figure_rate(100000, text), "100000");
    expect(figure_rate(99998.71, text), "99998.7");
}

Test(load_figures, writes_no_rate_or_share_that_is_no_number)
{
    expect(figure_rate(NAN, text), "0");
    expect(figure_rate(INFINITY, text), "0");
    expect(figure_rate(-INFINITY, text), "0");
    expect(figure_rate(-1, text), "0");
    expect(figure_share(NAN, text), "0.000");
    expect(figure_share(-0.5, text), "0.000");
    expect(figure_share(INFINITY, text), "1.000");
    expect(figure_share(1.7, text), "1.000");
    expect(figure_share(0.9996, text), "1.000");
    expect(figure_share(0.6180339, text), "0.618");
}

Test(load_figures, never_rounds_something_to_nothing_or_to_all)
{
    expect(figure_percent(0, 0, text), "-");
    expect(figure_percent(0, 7, text), "0.000");
    expect(figure_percent(7, 7, text), "100.000");
    expect(figure_percent(1, 3, text), "33.333");
    expect(figure_percent(2, 3, text), "66.667");
    expect(figure_percent(1, 1000, text), "0.100");
    expect(figure_percent(1, 1000000, text), "<0.001");
    expect(figure_percent(999999, 1000000, text), ">99.999");
    expect(figure_percent(UINT64_MAX / 2, UINT64_MAX, text), "50.000");
    expect(figure_percent(1, UINT64_MAX, text), "<0.001");
}

Test(load_figures, sets_thousands_apart)
{
    char plain[FIGURE_BYTES];
    expect(figure_grouped(figure_count(0, plain), text), "0");
    expect(figure_grouped(figure_count(999, plain), text), "999");
    expect(figure_grouped(figure_count(1000, plain), text), "1,000");
    expect(figure_grouped(figure_count(1234567, plain), text), "1,234,567");
    expect(figure_grouped(figure_count(UINT64_MAX, plain), text), "18,446,744,073,709,551,615");
    expect(figure_grouped(figure_us(158334975, plain), text), "158,334.975");
    expect(figure_grouped(figure_us(UINT64_MAX, plain), text), "18,446,744,073,709,551.615");
}

Test(load_figures, keeps_its_decimal_point_in_every_locale)
{
    static const char *const commas[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8", "C.UTF-8"};
    for (size_t i = 0; i < sizeof commas / sizeof *commas; i++) {
        setlocale(LC_ALL, commas[i]);
        expect(figure_us(1500, text), "1.500");
        expect(figure_rate(0.5, text), "0.5");
    }
}
