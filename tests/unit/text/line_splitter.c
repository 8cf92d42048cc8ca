/* Tests of splitting input into lines. */
#include "text/line_splitter.h"

#include <criterion/criterion.h>
#include <string.h>

enum { ROOM = 4096 };

static struct line_splitter lines;
static char memory[ROOM];

static void begin(void)
{
    line_splitter_init(&lines, memory, sizeof memory);
}

static void feed(const char *bytes, size_t size)
{
    size_t capacity;
    char *to = line_splitter_space(&lines, &capacity);
    cr_assert_geq(capacity, size);
    memcpy(to, bytes, size);
    line_splitter_add(&lines, size);
}

static void feed_text(const char *text)
{
    feed(text, strlen(text));
}

/* Fills the whole buffer except free_bytes. */
static void feed_all_but(size_t free_bytes)
{
    size_t capacity;
    char *to = line_splitter_space(&lines, &capacity);
    memset(to, 'a', capacity - free_bytes);
    line_splitter_add(&lines, capacity - free_bytes);
}

static void expect_line(const char *text)
{
    char *line;
    size_t size;
    cr_assert_eq(line_splitter_next(&lines, &line, &size), LINE_SPLITTER_LINE);
    cr_assert_eq(size, strlen(text));
    cr_assert_arr_eq(line, text, size);
}

static void expect_found(enum line_splitter_result found)
{
    char *line;
    size_t size;
    cr_assert_eq(line_splitter_next(&lines, &line, &size), found);
}

TestSuite(line_splitter, .init = begin, .timeout = 10);

Test(line_splitter, splits_at_newlines_and_numbers_from_one)
{
    feed_text("one\ntwo\n");
    expect_line("one");
    cr_assert_eq(lines.number, 1);
    expect_line("two");
    cr_assert_eq(lines.number, 2);
    expect_found(LINE_SPLITTER_NONE);
}

Test(line_splitter, joins_a_line_from_pieces)
{
    feed_text("o");
    expect_found(LINE_SPLITTER_NONE);
    feed_text("n");
    expect_found(LINE_SPLITTER_NONE);
    feed_text("e\nt");
    expect_line("one");
    expect_found(LINE_SPLITTER_NONE);
}

Test(line_splitter, strips_one_carriage_return_before_the_newline)
{
    feed_text("one\r\ntwo\r\r\n\r\n");
    expect_line("one");
    expect_line("two\r");
    expect_line("");
}

Test(line_splitter, keeps_empty_lines)
{
    feed_text("\n\n");
    expect_line("");
    expect_line("");
    expect_found(LINE_SPLITTER_NONE);
}

Test(line_splitter, returns_a_last_line_without_a_newline_only_at_the_end)
{
    feed_text("one\ntwo");
    expect_line("one");
    expect_found(LINE_SPLITTER_NONE);
    line_splitter_finish(&lines);
    expect_line("two");
    expect_found(LINE_SPLITTER_NONE);
}

Test(line_splitter, returns_no_line_at_an_end_after_a_newline)
{
    feed_text("one\n");
    line_splitter_finish(&lines);
    expect_line("one");
    expect_found(LINE_SPLITTER_NONE);
}

Test(line_splitter, accepts_nul_bytes)
{
    char *line;
    size_t size;
    feed("a\0b\n", 4);
    cr_assert_eq(line_splitter_next(&lines, &line, &size), LINE_SPLITTER_LINE);
    cr_assert_eq(size, 3);
    cr_assert_arr_eq(line, "a\0b", 3);
}

Test(line_splitter, accepts_the_longest_line)
{
    char *line;
    size_t size;
    feed_all_but(1);
    expect_found(LINE_SPLITTER_NONE);
    feed_text("\n");
    cr_assert_eq(line_splitter_next(&lines, &line, &size), LINE_SPLITTER_LINE);
    cr_assert_eq(size, ROOM - 1);
}

Test(line_splitter, reports_a_line_that_is_too_long_once_and_continues_after_it)
{
    feed_text("one\n");
    expect_line("one");
    for (int i = 0; i < 3; i++) {
        feed_all_but(0);
        expect_found(i == 0 ? LINE_SPLITTER_TOO_LONG : LINE_SPLITTER_NONE);
    }
    feed_text("a\nthree\n");
    expect_line("three");
    cr_assert_eq(lines.number, 3);
}

Test(line_splitter, returns_no_line_for_the_rest_of_one_that_is_too_long)
{
    feed_all_but(0);
    expect_found(LINE_SPLITTER_TOO_LONG);
    feed_text("aaa");
    line_splitter_finish(&lines);
    expect_found(LINE_SPLITTER_NONE);
}
