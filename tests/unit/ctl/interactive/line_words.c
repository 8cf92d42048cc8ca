#include "ctl/interactive/line_words.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { WORDS_MAX = 4 };

static void expect_words(const char *text, int count, const char *const *expected)
{
    char line[256], *words[WORDS_MAX + 1];
    const char *wrong = NULL;
    snprintf(line, sizeof line, "%s", text);
    cr_assert_eq(line_words_split(line, words, WORDS_MAX, &wrong), count, "'%s'", text);
    for (int i = 0; i < count; i++)
        cr_expect_str_eq(words[i], expected[i], "'%s'", text);
    cr_expect_null(words[count]);
}

#define WORDS(text, ...)                                                            \
    expect_words(text, (int)(sizeof(const char *[]){__VA_ARGS__} / sizeof(char *)), \
                 (const char *const[]){__VA_ARGS__})

static void expect_wrong(const char *text, const char *why)
{
    char line[256], *words[WORDS_MAX + 1];
    const char *wrong = NULL;
    snprintf(line, sizeof line, "%s", text);
    cr_assert_eq(line_words_split(line, words, WORDS_MAX, &wrong), -1, "'%s'", text);
    cr_expect_str_eq(wrong, why);
}

Test(line_words, are_separated_by_blanks)
{
    WORDS("one", "one");
    WORDS("  one\ttwo  three ", "one", "two", "three");
    expect_words("", 0, NULL);
    expect_words(" \t ", 0, NULL);
}

Test(line_words, quotes_keep_blanks_and_may_be_empty)
{
    WORDS("a 'b c' \"d e\"", "a", "b c", "d e");
    WORDS("''", "");
    WORDS("a'b'\"c\"d", "abcd");
    WORDS("\"it's\" '\"'", "it's", "\"");
}

Test(line_words, a_backslash_quotes_the_next_byte)
{
    WORDS("a\\ b \\'", "a b", "'");
    WORDS("\"\\\"\\\\\\n\"", "\"\\\\n");
    WORDS("'\\'", "\\");
}

Test(line_words, rejects_open_quotes_and_too_many_words)
{
    expect_wrong("a 'b", "a quote that isn't closed");
    expect_wrong("a \"b\\\"", "a quote that isn't closed");
    expect_wrong("a \\", "a backslash at its end");
    expect_wrong("a b c d e", "too many words");
    WORDS("a b c d ", "a", "b", "c", "d");
}
