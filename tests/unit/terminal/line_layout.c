/* Tests of how the prompt and the edited line are drawn on one row of a terminal. */
#include "line_editor_fixture.h"

#define MAN   "\xf0\x9f\x91\xa8"
#define WOMAN "\xf0\x9f\x91\xa9"
#define ZWJ   "\xe2\x80\x8d"

TestSuite(line_layout, .init = line_editor_fixture_begin, .fini = line_editor_fixture_end,
          .timeout = 10);

Test(line_layout, draws_prompt_line_and_cursor)
{
    cr_assert(line_editor_changed(editor));
    expect_line("a漢e\xcc\x81\x02", "a漢", "e\xcc\x81");
    expect_drawing(20, "\r> a漢e\xcc\x81\x1b[K\r\x1b[5C");
    cr_assert_not(line_editor_changed(editor));
    cr_assert_eq(line_editor_drawn_cursor(editor), 5);
    cr_assert_eq(line_editor_drawn_columns(editor), 6);
}

/* Whatever width the terminal gives an emoji, the next character is positioned explicitly. */
Test(line_layout, positions_what_follows_an_emoji)
{
    expect_line(MAN ZWJ WOMAN ZWJ MAN "b", MAN ZWJ WOMAN ZWJ MAN "b", "");
    expect_drawing(20, "\r> " MAN ZWJ WOMAN ZWJ MAN "\r\x1b[4Cb\x1b[K\r\x1b[5C");
    /* Nothing may be drawn beyond the window, where terminals would wrap the row. */
    expect_drawing(8, "\r> " MAN ZWJ WOMAN "\r\x1b[4Cb\x1b[K\r\x1b[5C");
    line_editor_clear(editor);
    expect_line("\xe2\x9d\xa4\xef\xb8\x8fx", "\xe2\x9d\xa4\xef\xb8\x8fx", "");
    expect_drawing(20, "\r>   \r\x1b[2C\xe2\x9d\xa4\xef\xb8\x8f\r\x1b[4Cx\x1b[K\r\x1b[5C");
}

Test(line_layout, draws_escapes_for_unprintable_characters)
{
    expect_line("\x1b[200~a\tb\x1b\x1b[201~", "a\tb\x1b", "");
    expect_drawing(20, "\r> a\x1b[7m\\t\x1b[27mb\x1b[7m\\x1b\x1b[27m\x1b[K\r\x1b[10C");
    line_editor_clear(editor);
    expect_line("\xe2\x80\xae\xcc\x81", "\xe2\x80\xae\xcc\x81", "");
    expect_drawing(20, "\r> \x1b[7m\\u202e\x1b[27m\xe2\x97\x8c\xcc\x81\x1b[K\r\x1b[9C");
}

Test(line_layout, scrolls_a_line_that_is_longer_than_the_window)
{
    expect_line("abcdefghijklmnop", "abcdefghijklmnop", "");
    expect_drawing(12, "\r> <jklmnop\x1b[K\r\x1b[10C");
    expect_line("\x01", "", "abcdefghijklmnop");
    expect_drawing(12, "\r> abcdefgh>\x1b[K\r\x1b[2C");
    expect_line("\x06\x06\x06\x06\x06\x06\x06\x06", "abcdefgh", "ijklmnop");
    expect_drawing(12, "\r> <fghijkl>\x1b[K\r\x1b[6C");
}

Test(line_layout, draws_the_line_in_windows_of_different_widths)
{
    expect_line("abcdefghijklmnop", "abcdefghijklmnop", "");
    expect_drawing(12, "\r> <jklmnop\x1b[K\r\x1b[10C");
    expect_drawing(40, "\r> abcdefghijklmnop\x1b[K\r\x1b[18C");
    expect_drawing(8, "\r> <nop\x1b[K\r\x1b[6C");
    expect_drawing(4, "\r<p\x1b[K\r\x1b[2C");
}

Test(line_layout, draws_blanks_for_a_partly_visible_wide_character)
{
    expect_line("漢漢漢漢漢漢漢漢\x01", "", "漢漢漢漢漢漢漢漢");
    expect_drawing(11, "\r> 漢漢漢 >\x1b[K\r\x1b[2C");
}

Test(line_layout, leaves_out_a_prompt_that_is_wider_than_half_the_window)
{
    line_editor_set_prompt(editor, "a long prompt> ");
    expect_line("abc", "abc", "");
    expect_drawing(10, "\rabc\x1b[K\r\x1b[3C");
    expect_drawing(40, "\ra long prompt> abc\x1b[K\r\x1b[18C");
}

Test(line_layout, writes_an_entered_line_completely)
{
    char out[64];
    enter("a line");
    cr_assert_eq(line_editor_write_entered(editor, out, sizeof out), 8);
    cr_assert(memcmp(out, "> a line", 8) == 0);
    cr_assert_leq(line_editor_write_entered(editor, out, 20), 20);
}

static void expect_wrapped(unsigned columns, unsigned row, unsigned column)
{
    unsigned at_row, at_column;
    line_editor_wrapped_cursor(editor, columns, &at_row, &at_column);
    cr_assert_eq(at_row, row, "in %u columns the row is %u", columns, at_row);
    cr_assert_eq(at_column, column, "in %u columns the column is %u", columns, at_column);
}

Test(line_layout, finds_the_cursor_in_a_row_that_the_terminal_wrapped)
{
    static char out[LINE_EDITOR_DRAW_BYTES];
    expect_line("漢漢漢漢漢漢a", "漢漢漢漢漢漢a", "");
    line_editor_draw(editor, 80, out);
    expect_wrapped(80, 0, 15);
    expect_wrapped(16, 0, 15);
    expect_wrapped(15, 1, 0);
    expect_wrapped(10, 1, 5);
    expect_wrapped(9, 1, 7); /* a wide character does not fit into the last column */
    expect_wrapped(5, 3, 3);
    expect_wrapped(1, 9, 0); /* narrower than any terminal, but it must return */
}
