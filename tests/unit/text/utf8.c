/* Tests of text/utf8: valid and invalid sequences. */
#include "text/utf8.h"

#include <criterion/criterion.h>

Test(utf8, knows_the_length_of_each_form)
{
    cr_assert_eq(utf8_length("a"), 1);
    cr_assert_eq(utf8_length("\x7f"), 1);
    cr_assert_eq(utf8_length("\xc2\x80"), 2);
    cr_assert_eq(utf8_length("\xdf\xbf!"), 2);
    cr_assert_eq(utf8_length("\xe0\xa0\x80"), 3);
    cr_assert_eq(utf8_length("\xed\x9f\xbf"), 3);
    cr_assert_eq(utf8_length("\xef\xbf\xbd"), 3);
    cr_assert_eq(utf8_length("\xf0\x90\x80\x80"), 4);
    cr_assert_eq(utf8_length("\xf4\x8f\xbf\xbf"), 4);
}

Test(utf8, refuses_what_rfc_3629_refuses)
{
    static const char *const wrong[] = {
        "\x80",             /* a continuation byte without a lead byte */
        "\xc0\x80",         /* overlong forms */
        "\xc1\xbf",         /* … */
        "\xe0\x9f\xbf",     /* … */
        "\xf0\x8f\xbf\xbf", /* … */
        "\xed\xa0\x80",     /* a surrogate */
        "\xf4\x90\x80\x80", /* beyond U+10FFFF */
        "\xf5\x80\x80\x80", /* … */
        "\xff",             /* … */
        "\xc2",             /* truncated */
        "\xe2\x82",         /* … */
        "\xf0\x9f\x98",     /* … */
        "\xc2x",            /* interrupted */
        "\xe2\x82x",        /* … */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_assert_eq(utf8_length(wrong[i]), 0, "case %zu", i);
}
