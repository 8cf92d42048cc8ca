/* Tests of text/decimal. */
#include "text/decimal.h"

#include "base/prng.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void expect_like_printf(uint64_t number)
{
    char text[DECIMAL_BYTES + 2], expected[DECIMAL_BYTES + 2];
    memset(text, 'x', sizeof text);
    char *end = decimal_write(text, number);
    cr_assert_eq(*end, 'x', "a byte after %" PRIu64 " was written", number);
    *end = '\0';
    snprintf(expected, sizeof expected, "%" PRIu64, number);
    cr_assert_str_eq(text, expected);
}

Test(decimal, writes_what_printf_writes)
{
    for (uint64_t power = 1, i = 0; i < 20; i++, power *= 10) {
        expect_like_printf(power - 1);
        expect_like_printf(power);
    }
    expect_like_printf(UINT64_MAX);
}

Test(decimal, writes_numbers_of_any_length)
{
    struct prng prng;
    prng_init(&prng, 1);
    for (int i = 0; i < 10000; i++)
        expect_like_printf(prng_next(&prng) >> (prng_next(&prng) % 64));
}
