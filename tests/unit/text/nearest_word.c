/* Tests of text/nearest_word: which words are suggested for a misspelt one. */
#include "text/nearest_word.h"

#include <criterion/criterion.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *suggested(const char *word)
{
    static const char *const WORDS[] = {"ttl", "max", "sweep", "receive-buffer", "send-buffer"};
    return nearest_word(word, WORDS, COUNT(WORDS));
}

Test(nearest_word, a_word_within_two_edits_is_suggested)
{
    cr_assert_str_eq(suggested("ttl"), "ttl");
    cr_assert_str_eq(suggested("TTL"), "ttl");
    cr_assert_str_eq(suggested("tll"), "ttl");
    cr_assert_str_eq(suggested("tt"), "ttl");
    cr_assert_str_eq(suggested("ttlx"), "ttl");
    cr_assert_str_eq(suggested("swepe"), "sweep");
    cr_assert_str_eq(suggested("recieve-bufer"), "receive-buffer");
    cr_assert_str_eq(suggested("send_buffer"), "send-buffer");
}

Test(nearest_word, a_word_further_away_is_not_suggested)
{
    cr_assert_null(suggested("banana"));
    cr_assert_null(suggested("receive"));
    cr_assert_null(suggested(""));
    cr_assert_null(suggested("zq"), "two edits of a word of two characters");
}

Test(nearest_word, the_nearest_of_several_is_suggested)
{
    static const char *const WORDS[] = {"rates", "rate", "late"};
    cr_assert_str_eq(nearest_word("rat", WORDS, 3), "rate");
    cr_assert_str_eq(nearest_word("zate", WORDS, 3), "rate", "the first of equals");
}

Test(nearest_word, very_long_words_are_not_suggested)
{
    char word[70000], almost[100];
    const char *const words[] = {almost, "ttl"};
    memset(word, 't', sizeof word);
    word[sizeof word - 1] = '\0';
    memset(almost, 't', sizeof almost);
    almost[sizeof almost - 1] = '\0';
    cr_assert_null(nearest_word(word, words, 2));
    cr_assert_str_eq(nearest_word("tttl", words, 2), "ttl");
}
