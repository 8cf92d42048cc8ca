#include "terminal/line_editor.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 64 };

static struct history *history;
static struct line_editor *edit;

static void begin(void)
{
    history = history_new();
    edit = line_editor_new(MAX_BYTES, "> ", history);
    cr_assert(history && edit);
}

static void end(void)
{
    line_editor_free(edit);
    history_free(history);
}

static enum line_editor_event feed(const char *bytes)
{
    size_t size = strlen(bytes), used;
    enum line_editor_event event = line_editor_feed(edit, bytes, size, &used);
    cr_assert_eq(used, size);
    return event;
}

/* Types, and expects the line to be before and behind the cursor. */
static void expect_line(const char *bytes, const char *before, const char *behind)
{
    size_t size;
    cr_assert_eq(feed(bytes), LINE_EDITOR_MORE);
    const char *line = line_editor_line(edit, &size);
    char expected[2 * MAX_BYTES];
    snprintf(expected, sizeof expected, "%s%s", before, behind);
    cr_assert_str_eq(line, expected);
    cr_assert_eq(size, strlen(expected));
    cr_assert_eq(line_editor_cursor(edit), strlen(before), "the cursor is at %zu of %s",
                 line_editor_cursor(edit), expected);
}

static void expect_entered(const char *expected)
{
    size_t size;
    const char *line = line_editor_line(edit, &size);
    cr_assert_str_eq(line, expected);
    cr_assert_eq(size, strlen(expected));
}

static void enter(const char *bytes)
{
    char typed[MAX_BYTES + 2];
    snprintf(typed, sizeof typed, "%s\r", bytes);
    cr_assert_eq(feed(typed), LINE_EDITOR_LINE);
    expect_entered(bytes);
}

static void expect_drawing(unsigned columns, const char *expected)
{
    static char out[LINE_EDITOR_DRAW_BYTES + 1];
    out[line_editor_draw(edit, columns, out)] = '\0';
    cr_assert_str_eq(out, expected);
}

TestSuite(line_editor, .init = begin, .fini = end, .timeout = 10);

Test(line_editor, puts_in_at_the_cursor_and_takes_out)
{
    expect_line("hello", "hello", "");
    expect_line("\x1b[D\x1b[D", "hel", "lo");
    expect_line("p", "help", "lo");
    expect_line("\x7f\x7f", "he", "lo");
    expect_line("\x1b[3~", "he", "o");
    expect_line("\x04", "he", "");
    expect_line("\x01", "", "he");
    expect_line("\x7f", "", "he");
    expect_line("\x05", "he", "");
    expect_line("\x1b[3~", "he", "");
}

Test(line_editor, moves_over_wide_and_joined_characters_as_one)
{
    expect_line("a漢e\xcc\x81\xcc\x88", "a漢e\xcc\x81\xcc\x88", "");
    expect_line("\x02", "a漢", "e\xcc\x81\xcc\x88");
    expect_line("\x02", "a", "漢e\xcc\x81\xcc\x88");
    expect_line("\x06\x06", "a漢e\xcc\x81\xcc\x88", "");
    expect_line("\x7f", "a漢", "");
    expect_line("\x7f", "a", "");
}

#define MAN   "\xf0\x9f\x91\xa8"
#define WOMAN "\xf0\x9f\x91\xa9"
#define ZWJ   "\xe2\x80\x8d"
#define TONE  "\xf0\x9f\x8f\xbd"
#define D     "\xf0\x9f\x87\xa9"
#define E     "\xf0\x9f\x87\xaa"

Test(line_editor, moves_over_joined_pictures_and_flags_as_one)
{
    expect_line("a" MAN ZWJ WOMAN TONE D E, "a" MAN ZWJ WOMAN TONE D E, "");
    expect_line("\x02", "a" MAN ZWJ WOMAN TONE, D E);
    expect_line("\x02", "a", MAN ZWJ WOMAN TONE D E);
    expect_line("\x06\x7f", "a", D E);
    expect_line(E, "a" E D, E);
}

Test(line_editor, goes_behind_what_joins_the_character_put_in)
{
    expect_line("\xcc\x81\x01", "", "\xcc\x81");
    expect_line("e", "e\xcc\x81", "");
}

Test(line_editor, moves_by_words)
{
    expect_line("one two-three  ", "one two-three  ", "");
    expect_line("\x1b"
                "b",
                "one two-", "three  ");
    expect_line("\x1b[1;5D", "one ", "two-three  ");
    expect_line("\x1b"
                "b\x1b"
                "b",
                "", "one two-three  ");
    expect_line("\x1b"
                "f",
                "one", " two-three  ");
    expect_line("\x1b[1;5C", "one two", "-three  ");
}

Test(line_editor, kills_and_puts_back)
{
    expect_line("one two\x0b", "one two", "");
    expect_line("\x17", "one ", "");
    expect_line("\x19\x19", "one twotwo", "");
    expect_line("\x15", "", "");
    expect_line("\x19", "one twotwo", "");
    expect_line("\x01\x1b"
                "d",
                "", " twotwo");
    expect_line("\x0b\x19", "one twotwo", "");
}

Test(line_editor, joins_what_was_killed_in_a_row)
{
    expect_line("one two three\x17\x17\x17", "", "");
    expect_line("\x19", "one two three", "");
    expect_line("\x1b"
                "b\x15\x0b",
                "", "");
    expect_line("\x19", "one two three", "");
}

Test(line_editor, keeps_what_was_killed_when_there_is_nothing_to_kill)
{
    expect_line("one\x15\x15\x0b\x17", "", "");
    expect_line("x\x19", "xone", "");
}

Test(line_editor, kills_a_word_up_to_a_blank_or_a_sign)
{
    expect_line("one two-three", "one two-three", "");
    expect_line("\x1b\x7f", "one two-", "");
    expect_line("\x17", "one ", "");
}

Test(line_editor, swaps_characters)
{
    expect_line("a漢\x14", "漢a", "");
    expect_line("b\x02\x14", "漢ba", "");
    expect_line("\x01\x14", "", "漢ba");
}

Test(line_editor, enters_a_line_and_begins_the_next)
{
    enter("hello");
    cr_assert_eq(line_editor_cursor(edit), 0);
    expect_drawing(20, "\r> \x1b[K\r\x1b[2C");
    expect_line("x", "x", "");
    expect_line("\x15", "", "");
    enter("");
}

Test(line_editor, ends_on_an_empty_line_alone)
{
    cr_assert_eq(feed("\x04"), LINE_EDITOR_END);
    expect_line("x\x04", "x", "");
}

Test(line_editor, hands_out_one_event_at_a_time)
{
    const char *bytes = "one\rtwo\x03\x1a\x1c\x0c";
    size_t size = strlen(bytes), used, at = 0;
    enum line_editor_event expected[] = {LINE_EDITOR_LINE,    LINE_EDITOR_INTERRUPT,
                                         LINE_EDITOR_SUSPEND, LINE_EDITOR_QUIT,
                                         LINE_EDITOR_REFRESH, LINE_EDITOR_MORE};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++, at += used)
        cr_assert_eq(line_editor_feed(edit, bytes + at, size - at, &used), expected[i], "event %zu",
                     i);
    expect_line("", "two", "");
    line_editor_clear(edit);
    expect_line("", "", "");
}

Test(line_editor, walks_the_history_and_back_to_the_line_being_typed)
{
    enter("first");
    enter("second");
    expect_line("half", "half", "");
    expect_line("\x1b[A", "second", "");
    expect_line("\x10", "first", "");
    expect_line("\x10", "first", "");
    expect_line("!\x1b[B", "second", "");
    expect_line("\x0e", "half", "");
    expect_line("\x0e", "half", "");
    expect_line("\x15\x1b[A\x1b[A", "first", "");
    cr_assert_eq(feed("\r"), LINE_EDITOR_LINE);
    expect_entered("first");
    expect_line("\x1b[A", "first", "");
    expect_line("\x1b[A", "second", "");
}

Test(line_editor, keeps_a_paste_until_it_is_entered_and_then_enters_each_line)
{
    expect_line("\x1b[200~one\rtwo\r\rlast\x1b[201~", "one\ntwo\n\nlast", "");
    cr_assert_eq(feed("\r"), LINE_EDITOR_LINE);
    expect_entered("one");
    cr_assert_eq(feed(""), LINE_EDITOR_LINE);
    expect_entered("two");
    cr_assert_eq(feed(""), LINE_EDITOR_LINE);
    expect_entered("");
    cr_assert_eq(feed(""), LINE_EDITOR_LINE);
    expect_entered("last");
    expect_line("", "", "");
    cr_assert_eq(history_count(history), 3);
}

Test(line_editor, lets_the_caller_change_an_entered_line)
{
    size_t size, used;
    cr_assert_eq(feed("\x1b[200~ab\rcd\x1b[201~\r"), LINE_EDITOR_LINE);
    memset(line_editor_line(edit, &size), 0xff, 2);
    cr_assert_eq(line_editor_feed(edit, "", 0, &used), LINE_EDITOR_LINE);
    expect_entered("cd");
}

Test(line_editor, drops_what_does_not_fit_and_rings)
{
    char full[MAX_BYTES + 1];
    memset(full, 'x', MAX_BYTES);
    full[MAX_BYTES] = '\0';
    feed(full);
    expect_line("\x7f", full + 1, "");
    expect_line("漢", full + 1, "");
    static char out[LINE_EDITOR_DRAW_BYTES];
    line_editor_draw(edit, 80, out);
    cr_assert_eq(out[0], '\a');
    line_editor_draw(edit, 80, out);
    cr_assert_eq(out[0], '\r');
    expect_line("yz", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxy", "");
}

Test(line_editor, draws_prompt_line_and_cursor)
{
    cr_assert(line_editor_changed(edit));
    expect_line("a漢e\xcc\x81\x02", "a漢", "e\xcc\x81");
    expect_drawing(20, "\r> a漢e\xcc\x81\x1b[K\r\x1b[5C");
    cr_assert_not(line_editor_changed(edit));
    cr_assert_eq(line_editor_drawn_cursor(edit), 5);
    cr_assert_eq(line_editor_drawn_columns(edit), 6);
}

/* Wherever a terminal's cursor is behind a picture, what follows stands in its place. */
Test(line_editor, draws_what_follows_a_picture_in_its_place)
{
    expect_line(MAN ZWJ WOMAN ZWJ MAN "b", MAN ZWJ WOMAN ZWJ MAN "b", "");
    expect_drawing(20, "\r> " MAN ZWJ WOMAN ZWJ MAN "\r\x1b[4Cb\x1b[K\r\x1b[5C");
    /* Nothing may be drawn beyond the window, as terminals would break the row there. */
    expect_drawing(8, "\r> " MAN ZWJ WOMAN "\r\x1b[4Cb\x1b[K\r\x1b[5C");
    line_editor_clear(edit);
    expect_line("\xe2\x9d\xa4\xef\xb8\x8fx", "\xe2\x9d\xa4\xef\xb8\x8fx", "");
    expect_drawing(20, "\r>   \r\x1b[2C\xe2\x9d\xa4\xef\xb8\x8f\r\x1b[4Cx\x1b[K\r\x1b[5C");
}

Test(line_editor, draws_escapes_for_what_does_not_just_show)
{
    expect_line("\x1b[200~a\tb\x1b\x1b[201~", "a\tb\x1b", "");
    expect_drawing(20, "\r> a\x1b[7m\\t\x1b[27mb\x1b[7m\\x1b\x1b[27m\x1b[K\r\x1b[10C");
    line_editor_clear(edit);
    expect_line("\xe2\x80\xae\xcc\x81", "\xe2\x80\xae\xcc\x81", "");
    expect_drawing(20, "\r> \x1b[7m\\u202e\x1b[27m\xe2\x97\x8c\xcc\x81\x1b[K\r\x1b[9C");
}

Test(line_editor, scrolls_a_line_that_is_longer_than_the_window)
{
    expect_line("abcdefghijklmnop", "abcdefghijklmnop", "");
    expect_drawing(12, "\r> <jklmnop\x1b[K\r\x1b[10C");
    expect_line("\x01", "", "abcdefghijklmnop");
    expect_drawing(12, "\r> abcdefgh>\x1b[K\r\x1b[2C");
    expect_line("\x06\x06\x06\x06\x06\x06\x06\x06", "abcdefgh", "ijklmnop");
    expect_drawing(12, "\r> <fghijkl>\x1b[K\r\x1b[6C");
}

Test(line_editor, holds_the_line_in_a_window_of_another_width)
{
    expect_line("abcdefghijklmnop", "abcdefghijklmnop", "");
    expect_drawing(12, "\r> <jklmnop\x1b[K\r\x1b[10C");
    expect_drawing(40, "\r> abcdefghijklmnop\x1b[K\r\x1b[18C");
    expect_drawing(8, "\r> <nop\x1b[K\r\x1b[6C");
    expect_drawing(4, "\r<p\x1b[K\r\x1b[2C");
}

Test(line_editor, leaves_blank_what_of_a_wide_character_is_cut)
{
    expect_line("漢漢漢漢漢漢漢漢\x01", "", "漢漢漢漢漢漢漢漢");
    expect_drawing(11, "\r> 漢漢漢 >\x1b[K\r\x1b[2C");
}

Test(line_editor, leaves_out_a_prompt_that_is_wider_than_half_the_window)
{
    line_editor_set_prompt(edit, "a long prompt> ");
    expect_line("abc", "abc", "");
    expect_drawing(10, "\rabc\x1b[K\r\x1b[3C");
    expect_drawing(40, "\ra long prompt> abc\x1b[K\r\x1b[18C");
}

Test(line_editor, writes_an_entered_line_whole)
{
    char out[64];
    enter("a line");
    cr_assert_eq(line_editor_write_entered(edit, out, sizeof out), 8);
    cr_assert(memcmp(out, "> a line", 8) == 0);
    cr_assert_leq(line_editor_write_entered(edit, out, 20), 20);
}

static void expect_wrapped(unsigned columns, unsigned row, unsigned column)
{
    unsigned at_row, at_column;
    line_editor_wrapped(edit, columns, &at_row, &at_column);
    cr_assert_eq(at_row, row, "in %u columns the row is %u", columns, at_row);
    cr_assert_eq(at_column, column, "in %u columns the column is %u", columns, at_column);
}

Test(line_editor, finds_the_cursor_in_a_row_that_the_terminal_broke)
{
    static char out[LINE_EDITOR_DRAW_BYTES];
    expect_line("漢漢漢漢漢漢a", "漢漢漢漢漢漢a", "");
    line_editor_draw(edit, 80, out);
    expect_wrapped(80, 0, 15);
    expect_wrapped(16, 0, 15);
    expect_wrapped(15, 1, 0);
    expect_wrapped(10, 1, 5);
    expect_wrapped(9, 1, 7); /* a wide one doesn't fit into the last column */
    expect_wrapped(5, 3, 3);
    expect_wrapped(1, 9, 0); /* no terminal is so narrow, but nothing hangs */
}

Test(line_editor, gives_the_cursors_position)
{
    unsigned row, column;
    cr_assert_eq(feed("\x1b[3;7R"), LINE_EDITOR_POSITION);
    line_editor_position(edit, &row, &column);
    cr_assert_eq(row, 3);
    cr_assert_eq(column, 7);
}

/* ---- Completion ---- */

static const char *const WORDS[] = {"status", "stats", "stop", "clients", "wörter", "wörme"};

static bool partial;

static void offer(void *state, const char *line, size_t cursor, struct line_editor_choices *choices)
{
    cr_assert_eq(strlen(line), cursor);
    cr_assert_eq(state, history);
    while (cursor && line[cursor - 1] != ' ')
        cursor--;
    choices->begin = cursor;
    static const char *words[sizeof WORDS / sizeof *WORDS];
    memcpy(words, WORDS, sizeof WORDS);
    choices->count = sizeof WORDS / sizeof *WORDS;
    choices->words = words;
    choices->partial = partial;
}

Test(line_editor, completes_the_only_choice_with_a_blank)
{
    line_editor_set_completion(edit, offer, history);
    expect_line("cl\t", "clients ", "");
    expect_line("\x15", "", "");
    expect_line("cl now\x1b"
                "b\x02\t",
                "clients", " now");
}

Test(line_editor, completes_what_choices_have_in_common_and_then_shows_them)
{
    line_editor_set_completion(edit, offer, history);
    expect_line("x s\t", "x st", "");
    cr_assert_eq(feed("\t"), LINE_EDITOR_CHOICES);
    const struct line_editor_choices *choices = line_editor_choices(edit);
    cr_assert_eq(choices->count, 3);
    cr_assert_str_eq(choices->words[2], "stop");
    cr_assert_eq(choices->begin, 2);
    expect_line("a\t", "x stat", "");
}

Test(line_editor, shows_partial_choices_and_completes_by_none_of_them)
{
    line_editor_set_completion(edit, offer, history);
    partial = true;
    cr_assert_eq(feed("cl\t"), LINE_EDITOR_CHOICES);
    cr_assert_eq(line_editor_choices(edit)->count, 1);
    cr_assert(line_editor_choices(edit)->partial);
    expect_line("", "cl", "");
    expect_line("q\t", "clq", "");
}

Test(line_editor, completes_whole_characters_alone)
{
    line_editor_set_completion(edit, offer, history);
    expect_line("w\t", "wör", "");
}

Test(line_editor, rings_where_nothing_completes)
{
    static char out[LINE_EDITOR_DRAW_BYTES];
    expect_line("q\t", "q", "");
    line_editor_draw(edit, 80, out);
    cr_assert_eq(out[0], '\a');
    line_editor_set_completion(edit, offer, history);
    expect_line("\t", "q", "");
    line_editor_draw(edit, 80, out);
    cr_assert_eq(out[0], '\a');
}

Test(line_editor, completes_behind_a_zero_byte)
{
    size_t used;
    line_editor_set_completion(edit, NULL, NULL);
    cr_assert_eq(line_editor_feed(edit, "\x16\0s\t", 4, &used), LINE_EDITOR_MORE);
    cr_assert_eq(line_editor_cursor(edit), 2);
}
