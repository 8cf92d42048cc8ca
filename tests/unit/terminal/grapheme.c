/* Tests of grapheme clusters: their boundaries, their widths and how they are drawn. */
#include "terminal/grapheme.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

TestSuite(grapheme, .timeout = 60);

#define ZWJ     "\xe2\x80\x8d"
#define VS16    "\xef\xb8\x8f"
#define MAN     "\xf0\x9f\x91\xa8"
#define WOMAN   "\xf0\x9f\x91\xa9"
#define GIRL    "\xf0\x9f\x91\xa7"
#define TONE    "\xf0\x9f\x8f\xbd"
#define HEART   "\xe2\x9d\xa4"
#define KISS    "\xf0\x9f\x92\x8b"
#define D       "\xf0\x9f\x87\xa9"
#define E       "\xf0\x9f\x87\xaa"
#define KEYCAP  "\xe2\x83\xa3"
#define ACUTE   "\xcc\x81"
#define FAMILY  MAN ZWJ WOMAN ZWJ GIRL
#define KISSING WOMAN TONE ZWJ HEART VS16 ZWJ KISS ZWJ MAN TONE
/* Scotland: a black flag and tags. */
#define SCOTLAND                                                                                   \
    "\xf0\x9f\x8f\xb4\xf3\xa0\x81\xa7\xf3\xa0\x81\xa2\xf3\xa0\x81\xb3\xf3\xa0\x81\xa3\xf3\xa0\x81" \
    "\xb4\xf3\xa0\x81\xbf"

/* Expects text to be one grapheme, forwards and backwards, in different surroundings. */
static void expect_one(const char *text, unsigned columns, bool uncertain_width)
{
    static const char *const around[][2] = {
        {"", ""}, {"a", "b"}, {MAN, "\xe6\xbc\xa2"}, {"\n", "\n"}};
    for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
        char line[256];
        size_t from = strlen(around[i][0]), size = strlen(text);
        snprintf(line, sizeof line, "%s%s%s", around[i][0], text, around[i][1]);
        struct grapheme grapheme = grapheme_first(line + from, strlen(line) - from);
        cr_assert_eq(grapheme.size, size, "%s has %zu bytes, not %zu", text, size, grapheme.size);
        cr_assert_eq(grapheme.columns, columns, "%s has %u columns", text, grapheme.columns);
        cr_assert_eq(grapheme.uncertain_width, uncertain_width,
                     "whether the width of %s is uncertain", text);
        cr_assert_eq(grapheme_before(line, from + size), from, "%s searched backwards", text);
    }
}

Test(grapheme, is_a_code_point_with_its_combining_marks)
{
    expect_one("a", 1, false);
    expect_one("e" ACUTE ACUTE, 1, false);
    expect_one("\xe6\xbc\xa2", 2, false);
}

Test(grapheme, is_a_family_of_emoji)
{
    expect_one(MAN, 2, false);
    expect_one(FAMILY, 2, true);
    expect_one(KISSING, 2, true);
    expect_one(SCOTLAND, 2, false);
}

Test(grapheme, is_an_emoji_with_its_skin_tone)
{
    expect_one(MAN TONE, 2, true);
}

Test(grapheme, is_a_symbol_that_a_selector_made_an_emoji)
{
    expect_one(HEART, 1, false);
    expect_one(HEART VS16, 2, true);
    expect_one("1" VS16 KEYCAP, 2, true);
    expect_one("a" VS16, 1, false);
}

Test(grapheme, is_a_pair_of_regional_indicators)
{
    expect_one(D E, 2, true);
    const char *flags = D E E D D;
    cr_assert_eq(grapheme_first(flags, strlen(flags)).size, 8);
    cr_assert_eq(grapheme_before(flags, 20), 16);
    cr_assert_eq(grapheme_before(flags, 16), 8);
    cr_assert_eq(grapheme_before(flags, 8), 0);
    cr_assert_eq(grapheme_text_columns(flags, 20), 6);
}

Test(grapheme, ends_before_a_code_point_that_does_not_continue_it)
{
    /* A skin tone after a letter, a letter after a joiner, an emoji after a letter's joiner. */
    cr_assert_eq(grapheme_first("a" TONE, 5).size, 1);
    cr_assert_eq(grapheme_first(TONE, 4).columns, 2);
    cr_assert_eq(grapheme_before("a" TONE, 5), 1);
    cr_assert_eq(grapheme_first(TONE, 4).columns, 2);
    cr_assert_eq(grapheme_before("a" TONE, 5), 1);
    cr_assert_eq(grapheme_first(MAN ZWJ "a", 8).size, 7);
    cr_assert_eq(grapheme_first("a" ZWJ MAN, 8).size, 4);
    cr_assert_eq(grapheme_before(MAN MAN, 8), 4);
    cr_assert_eq(grapheme_first(MAN ACUTE ZWJ WOMAN, 13).size, 13);
}

static void expect_drawn(const char *text, size_t max_columns, const char *expected)
{
    char out[GRAPHEME_DRAW_BYTES + 1];
    out[grapheme_draw(out, text, grapheme_first(text, strlen(text)), max_columns)] = '\0';
    cr_assert_str_eq(out, expected);
}

Test(grapheme, is_drawn_up_to_the_given_width)
{
    expect_drawn(KISSING, SIZE_MAX, KISSING);
    expect_drawn(SCOTLAND, SIZE_MAX, SCOTLAND);
    expect_drawn(FAMILY, 6, FAMILY);
    expect_drawn(FAMILY, 5, MAN ZWJ WOMAN);
    expect_drawn(FAMILY, 2, MAN);
    expect_drawn(MAN ZWJ, SIZE_MAX, MAN);
    expect_drawn("e" ACUTE ACUTE ACUTE ACUTE, 1, "e" ACUTE ACUTE ACUTE);
    expect_drawn(ACUTE ACUTE, 1, "\xe2\x97\x8c" ACUTE ACUTE);
}
