/* Tests of text/character_width: widths and kinds of characters, compared with libc. */
#include "text/character_width.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <wchar.h>

TestSuite(character_width, .timeout = 10);

Test(character_width, of_ordinary_characters_is_one)
{
    cr_assert_eq(character_width_of('a'), 1);
    cr_assert_eq(character_width_of(0xe9), 1);
    cr_assert_eq(character_width_of(0xad), 1);   /* the soft hyphen */
    cr_assert_eq(character_width_of(0x0600), 1); /* the Arabic number sign */
    cr_assert_eq(character_width_of(0x10ffff), 1);
}

Test(character_width, of_wide_characters_is_two)
{
    cr_assert_eq(character_width_of(0x6f22), 2);
    cr_assert_eq(character_width_of(0xff21), 2);
    cr_assert_eq(character_width_of(0xac00), 2);
    cr_assert_eq(character_width_of(0x1f600), 2);
    cr_assert_eq(character_width_of(0x1100), 2);
    cr_assert_eq(character_width_of(0x3fffd), 2);
}

Test(character_width, of_combining_characters_is_zero)
{
    cr_assert_eq(character_width_of(0x0301), 0);
    cr_assert_eq(character_width_of(0x20dd), 0);
    cr_assert_eq(character_width_of(0x200d), 0);
    cr_assert_eq(character_width_of(0xfe0f), 0);
    cr_assert_eq(character_width_of(0x1161), 0);
    cr_assert_eq(character_width_of(0xe01ef), 0);
}

/* The table of libc is made from the same files. It differs in two blocks: numbers in black squares
 * (ambiguous) and hexagrams (neutral in Unicode 15) are wide in libc. */
Test(character_width, agrees_with_libc)
{
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        cr_skip("this host has no C.UTF-8");
    int differ = 0;
    for (uint32_t code = 0x20; code <= 0x10ffff; code++) {
        int theirs = wcwidth((wchar_t)code);
        bool known = (code >= 0x3248 && code <= 0x324f) || (code >= 0x4dc0 && code <= 0x4dff);
        differ += theirs >= 0 && !known && theirs != (int)character_width_of(code);
    }
    /* Releases of Unicode add a few hundred characters a year, mostly pictures. */
    cr_assert_lt(differ, 1000, "%d differ", differ);
    cr_assert_eq(wcwidth(0x6f22), 2);
}

Test(character_width, knows_pictographs)
{
    cr_assert(character_width_is_pictograph(0x1f468));
    cr_assert(character_width_is_pictograph(0x2764));
    cr_assert(character_width_is_pictograph(0xa9));
    cr_assert_not(character_width_is_pictograph('1'));
    cr_assert_not(character_width_is_pictograph(0x1f3fd)); /* a skin tone */
    cr_assert_not(character_width_is_pictograph(0x1f1e9)); /* a regional indicator */
    cr_assert_not(character_width_is_pictograph(0x6f22));
}
