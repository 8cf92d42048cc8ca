/* Tests of the history of a prompt: order, limits and rejected lines. */
#include "terminal/history.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct history *history;

static void begin(void)
{
    history = history_new();
    cr_assert_not_null(history);
}

static void end(void)
{
    history_free(history);
}

static bool add(const char *line)
{
    return history_add(history, line, strlen(line));
}

static void expect_line(size_t age, const char *expected)
{
    size_t size;
    const char *line = history_get(history, age, &size);
    cr_assert_str_eq(line, expected);
    cr_assert_eq(size, strlen(expected));
}

TestSuite(history, .init = begin, .fini = end, .timeout = 10);

Test(history, returns_lines_by_age)
{
    cr_assert_eq(history_count(history), 0);
    cr_assert(add("one"));
    cr_assert(add("zwölf"));
    cr_assert_eq(history_count(history), 2);
    expect_line(0, "zwölf");
    expect_line(1, "one");
}

Test(history, skips_an_empty_line_and_a_repetition_of_the_newest)
{
    cr_assert_not(add(""));
    cr_assert(add("one"));
    cr_assert_not(add("one"));
    cr_assert(add("one more"));
    cr_assert(add("one"));
    cr_assert_eq(history_count(history), 3);
}

Test(history, rejects_lines_that_would_break_its_file)
{
    cr_assert_not(add("two\nlines"));
    cr_assert_not(add("\xff"));
    cr_assert_not(add("\xe6\xbc"));
    cr_assert_not(history_add(history, "a\0b", 3));
    cr_assert(add("a\tb\x1b"));
}

Test(history, drops_the_oldest_line_at_the_maximum_count)
{
    char line[24];
    for (int i = 0; i < HISTORY_LINES_MAX + 10; i++) {
        snprintf(line, sizeof line, "line %d", i);
        cr_assert(add(line));
    }
    cr_assert_eq(history_count(history), HISTORY_LINES_MAX);
    expect_line(HISTORY_LINES_MAX - 1, "line 10");
    expect_line(0, "line 1009");
}

Test(history, drops_the_oldest_lines_at_the_maximum_size)
{
    static char line[HISTORY_LINE_MAX + 2];
    memset(line, 'x', HISTORY_LINE_MAX + 1);
    cr_assert_not(add(line));
    line[HISTORY_LINE_MAX] = '\0';
    for (int i = 0; i < 40; i++) {
        line[0] = (char)('a' + i % 26);
        cr_assert(add(line));
    }
    cr_assert_eq(history_count(history), HISTORY_BYTES_MAX / HISTORY_LINE_MAX);
}

Test(history, adds_the_lines_of_a_file_and_skips_invalid_ones)
{
    const char text[] = "one\n\n\xff\xfe\ntwo\nlast";
    history_add_lines(history, text, sizeof text - 1);
    cr_assert_eq(history_count(history), 3);
    expect_line(2, "one");
    expect_line(1, "two");
    expect_line(0, "last");
}
