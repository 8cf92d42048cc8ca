/* Tests of counting replies by their content. */
#include "load/send/reply_counts.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const struct reply_counts_text EXPECTED[] = {{"audi", 4}, {"toyota", 6}, {"bmw", 3}};

static struct load_result result;

static void count(struct reply_counts *replies, const char *text)
{
    size_t size = strlen(text);
    uint64_t hash;
    int number = reply_counts_find(replies, text, size, &hash);
    reply_counts_count(replies, number, text, size, hash);
}

static void report(struct reply_counts *replies)
{
    cr_assert_eq(reply_counts_report(replies, &result), 0);
}

static void expect_line(size_t i, const char *message, uint64_t times)
{
    cr_assert_lt(i, result.reply_count);
    cr_assert_str_eq(result.replies[i].message, message);
    cr_assert_eq(result.replies[i].count, times);
}

static void free_result(void)
{
    load_result_free(&result);
}

TestSuite(reply_counts, .fini = free_result, .timeout = 10);

Test(reply_counts, lists_expected_replies_in_their_order_and_all_others_as_one)
{
    struct reply_counts *replies = reply_counts_new(EXPECTED, 3);
    count(replies, "bmw");
    count(replies, "bmw");
    count(replies, "audi");
    count(replies, "vw");
    count(replies, "bm");
    report(replies);
    cr_assert_eq(result.reply_count, 4);
    expect_line(0, "audi", 1);
    expect_line(1, "toyota", 0);
    expect_line(2, "bmw", 2);
    expect_line(3, "(other)", 2);
    cr_assert_eq(reply_counts_spread(replies), 2);
    reply_counts_free(replies);
}

Test(reply_counts, lists_replies_by_count_and_escaped_if_none_is_expected)
{
    struct reply_counts *replies = reply_counts_new(NULL, 0);
    count(replies, "once");
    for (int i = 0; i < 3; i++)
        count(replies, "\033[2J");
    report(replies);
    cr_assert_eq(result.reply_count, 2);
    expect_line(0, "\\x1b[2J", 3);
    expect_line(1, "once", 1);
    reply_counts_free(replies);
}

Test(reply_counts, adds_replies_up_to_its_limit)
{
    struct reply_counts *replies = reply_counts_new(NULL, 0);
    char text[32];
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "reply %d", i);
        count(replies, text);
        count(replies, text);
    }
    report(replies);
    cr_assert_eq(result.reply_count, REPLY_COUNTS_MAX + 1);
    expect_line(REPLY_COUNTS_MAX, "(other)", 2 * (100 - REPLY_COUNTS_MAX));
    reply_counts_free(replies);
}

/* The names are keys of a JSON object. */
Test(reply_counts, gives_each_reply_a_unique_name)
{
    struct reply_counts *replies = reply_counts_new(NULL, 0);
    char text[1016];
    for (int i = 0; i < REPLY_COUNTS_MAX - 1; i++) {
        snprintf(text, sizeof text, "%0998d%d", 0, i + 10);
        count(replies, text);
    }
    count(replies, "(other)");
    count(replies, "beyond the limit");
    report(replies);
    cr_assert_eq(result.reply_count, REPLY_COUNTS_MAX + 1);
    for (size_t i = 0; i < result.reply_count; i++)
        for (size_t k = 0; k < i; k++)
            cr_assert_str_neq(result.replies[i].message, result.replies[k].message);
    expect_line(REPLY_COUNTS_MAX, "(other)", 1);
    reply_counts_free(replies);
}

/* Found by prediction or by lookup: duplicates are recognized by the hash. */
Test(reply_counts, gives_the_same_hash_however_a_reply_is_found)
{
    struct reply_counts *replies = reply_counts_new(EXPECTED, 3);
    uint64_t first[3], hash;
    for (int i = 2; i >= 0; i--)
        cr_assert_eq(reply_counts_find(replies, EXPECTED[i].bytes, EXPECTED[i].size, &first[i]), i);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 3; i++) {
            cr_assert_eq(reply_counts_find(replies, EXPECTED[i].bytes, EXPECTED[i].size, &hash), i);
            cr_assert_eq(hash, first[i]);
        }
        cr_assert_eq(reply_counts_find(replies, "toyot", 5, &hash), REPLY_COUNTS_OTHER);
        cr_assert_eq(reply_counts_find(replies, "", 0, &hash), REPLY_COUNTS_OTHER);
    }
    reply_counts_free(replies);
}

Test(reply_counts, adds_the_counts_of_threads)
{
    struct reply_counts *all = reply_counts_new(NULL, 0), *one = reply_counts_new(NULL, 0),
                        *two = reply_counts_new(NULL, 0);
    count(one, "a");
    count(two, "b");
    count(two, "a");
    count(two, "b");
    count(two, "b");
    reply_counts_merge(all, one);
    reply_counts_merge(all, two);
    report(all);
    expect_line(0, "b", 3);
    expect_line(1, "a", 2);
    reply_counts_free(all);
    reply_counts_free(one);
    reply_counts_free(two);
}

Test(reply_counts, counts_an_empty_reply)
{
    struct reply_counts *replies = reply_counts_new(NULL, 0);
    count(replies, "");
    count(replies, "");
    report(replies);
    expect_line(0, "", 2);
    reply_counts_free(replies);
}
