/* Tests of text/number_with_unit: numbers, durations and sizes, parsed and formatted. */
#include "text/number_with_unit.h"

#include <criterion/criterion.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static uint64_t duration(const char *text, uint64_t bare_unit_ms)
{
    uint64_t ms = UINT64_MAX;
    const char *wrong = duration_parse(text, bare_unit_ms, &ms);
    cr_assert_null(wrong, "%s: %s", text, wrong);
    return ms;
}

static uint64_t size_of(const char *text)
{
    uint64_t bytes = UINT64_MAX;
    const char *wrong = size_parse(text, &bytes);
    cr_assert_null(wrong, "%s: %s", text, wrong);
    return bytes;
}

Test(number_with_unit, numbers_are_decimal_digits_within_their_range)
{
    uint64_t value = 7;
    cr_assert_null(number_parse("0", 0, 9, &value));
    cr_assert_eq(value, 0);
    cr_assert_null(number_parse("18446744073709551615", 0, UINT64_MAX, &value));
    cr_assert_eq(value, UINT64_MAX);
    cr_assert_null(number_parse("007", 7, 7, &value));
    cr_assert_eq(value, 7);
}

Test(number_with_unit, a_bad_number_gives_a_reason_and_does_not_change_the_value)
{
    static const struct {
        const char *text, *wrong;
    } BAD[] = {
        {"", "not a number"},
        {"-1", "must not be negative"},
        {"-", "not a number"},
        {"+1", "not a number"},
        {" 1", "not a number"},
        {"1 ", "not a number"},
        {"0x1", "not a number"},
        {"1.5", "not a number"},
        {"4", "too small"},
        {"11", "too large"},
        {"18446744073709551616", "too large"},
        {"99999999999999999999999999", "too large"},
    };
    for (size_t i = 0; i < COUNT(BAD); i++) {
        uint64_t value = 7;
        cr_expect_str_eq(number_parse(BAD[i].text, 5, 10, &value), BAD[i].wrong, "%s", BAD[i].text);
        cr_expect_eq(value, 7);
    }
}

Test(number_with_unit, durations_have_units)
{
    cr_assert_eq(duration("500ms", 0), 500);
    cr_assert_eq(duration("10s", 0), 10000);
    cr_assert_eq(duration("5m", 0), 300000);
    cr_assert_eq(duration("2h", 0), 7200000);
    cr_assert_eq(duration("1d", 0), 86400000);
    cr_assert_eq(duration("0s", 0), 0);
}

Test(number_with_unit, a_duration_without_unit_is_refused_or_has_the_unit_of_the_caller)
{
    uint64_t ms;
    cr_assert_not_null(duration_parse("10", 0, &ms));
    cr_assert_eq(duration("10", 1000), 10000);
    cr_assert_eq(duration("10ms", 1000), 10);
}

Test(number_with_unit, bad_durations_are_refused)
{
    static const char *const BAD[] = {
        "",     "s",     "ms",  "10x",  "10S",   "10M",           "10 s",
        "10s ", "1h30m", "-1s", "1.5s", "10mss", "213503982335d", /* 2^64 ms: 213503982334.6 days */
    };
    for (size_t i = 0; i < COUNT(BAD); i++) {
        uint64_t ms;
        cr_expect_not_null(duration_parse(BAD[i], 0, &ms), "%s", BAD[i]);
    }
}

Test(number_with_unit, fractions_are_refused_as_such)
{
    uint64_t value;
    static const char whole[] = "must be a whole number";
    cr_expect_str_eq(duration_parse("1.5s", 0, &value), whole);
    cr_expect_str_eq(duration_parse("1.5", 1000, &value), whole);
    cr_expect_str_eq(size_parse("0.5g", &value), whole);
}

Test(number_with_unit, sizes_are_powers_of_1024_in_either_case)
{
    cr_assert_eq(size_of("0"), 0);
    cr_assert_eq(size_of("2048"), 2048);
    cr_assert_eq(size_of("64k"), 65536);
    cr_assert_eq(size_of("64K"), 65536);
    cr_assert_eq(size_of("4m"), 4 << 20);
    cr_assert_eq(size_of("4M"), 4 << 20);
    cr_assert_eq(size_of("1g"), 1 << 30);
    cr_assert_eq(size_of("1G"), 1 << 30);
}

Test(number_with_unit, bad_sizes_are_refused)
{
    static const char *const BAD[] = {"", "k", "1kb", "1 k", "1.5m", "-1", "17179869184g"};
    for (size_t i = 0; i < COUNT(BAD); i++) {
        uint64_t bytes;
        cr_expect_not_null(size_parse(BAD[i], &bytes), "%s", BAD[i]);
    }
}

Test(number_with_unit, durations_are_written_in_the_largest_unit_that_divides_them)
{
    static const struct {
        uint64_t ms;
        const char *text;
    } WRITTEN[] = {
        {0, "0ms"},
        {1, "1ms"},
        {1500, "1500ms"},
        {10000, "10s"},
        {60000, "1m"},
        {90000, "90s"},
        {7200000, "2h"},
        {86400000, "1d"},
        {129600000, "36h"},
        {UINT32_MAX, "4294967295ms"},
        {UINT64_MAX, "18446744073709551615ms"},
    };
    for (size_t i = 0; i < COUNT(WRITTEN); i++) {
        char text[24];
        cr_expect_str_eq(duration_format(WRITTEN[i].ms, text), WRITTEN[i].text);
        cr_expect_eq(duration(text, 0), WRITTEN[i].ms);
    }
}

Test(number_with_unit, sizes_are_written_in_the_largest_unit_that_divides_them)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } WRITTEN[] = {
        {0, "0"},
        {1, "1"},
        {2049, "2049"},
        {2048, "2k"},
        {4 << 20, "4m"},
        {1 << 30, "1g"},
        {UINT64_MAX, "18446744073709551615"},
    };
    for (size_t i = 0; i < COUNT(WRITTEN); i++) {
        char text[24];
        cr_expect_str_eq(size_format(WRITTEN[i].bytes, text), WRITTEN[i].text);
        cr_expect_eq(size_of(text), WRITTEN[i].bytes);
    }
}
