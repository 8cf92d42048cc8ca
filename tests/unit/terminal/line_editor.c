/* Tests of the line editor: editing, history, pastes and completion. */
#include "line_editor_fixture.h"

TestSuite(line_editor, .init = line_editor_fixture_begin, .fini = line_editor_fixture_end,
          .timeout = 10);

Test(line_editor, inserts_and_erases_at_the_cursor)
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

Test(line_editor, moves_over_joined_emoji_and_flags_as_one)
{
    expect_line("a" MAN ZWJ WOMAN TONE D E, "a" MAN ZWJ WOMAN TONE D E, "");
    expect_line("\x02", "a" MAN ZWJ WOMAN TONE, D E);
    expect_line("\x02", "a", MAN ZWJ WOMAN TONE D E);
    expect_line("\x06\x7f", "a", D E);
    expect_line(E, "a" E D, E);
}

Test(line_editor, moves_after_marks_that_combine_with_the_inserted_character)
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

Test(line_editor, kills_and_yanks)
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

Test(line_editor, joins_consecutive_kills)
{
    expect_line("one two three\x17\x17\x17", "", "");
    expect_line("\x19", "one two three", "");
    expect_line("\x1b"
                "b\x15\x0b",
                "", "");
    expect_line("\x19", "one two three", "");
}

Test(line_editor, keeps_the_last_kill_when_there_is_nothing_to_kill)
{
    expect_line("one\x15\x15\x0b\x17", "", "");
    expect_line("x\x19", "xone", "");
}

Test(line_editor, kills_a_word_up_to_a_blank_or_punctuation)
{
    expect_line("one two-three", "one two-three", "");
    expect_line("\x1b\x7f", "one two-", "");
    expect_line("\x17", "one ", "");
}

Test(line_editor, transposes_characters)
{
    expect_line("a漢\x14", "漢a", "");
    expect_line("b\x02\x14", "漢ba", "");
    expect_line("\x01\x14", "", "漢ba");
}

Test(line_editor, enters_a_line_and_begins_the_next)
{
    enter("hello");
    cr_assert_eq(line_editor_cursor(editor), 0);
    expect_drawing(20, "\r> \x1b[K\r\x1b[2C");
    expect_line("x", "x", "");
    expect_line("\x15", "", "");
    enter("");
}

Test(line_editor, ends_only_on_an_empty_line)
{
    cr_assert_eq(feed("\x04"), LINE_EDITOR_END);
    expect_line("x\x04", "x", "");
}

Test(line_editor, returns_one_event_at_a_time)
{
    const char *bytes = "one\rtwo\x03\x1a\x1c\x0c";
    size_t size = strlen(bytes), used, at = 0;
    enum line_editor_event expected[] = {LINE_EDITOR_LINE,         LINE_EDITOR_INTERRUPT,
                                         LINE_EDITOR_SUSPEND,      LINE_EDITOR_QUIT,
                                         LINE_EDITOR_CLEAR_SCREEN, LINE_EDITOR_MORE};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++, at += used)
        cr_assert_eq(line_editor_feed(editor, bytes + at, size - at, &used), expected[i],
                     "event %zu", i);
    expect_line("", "two", "");
    line_editor_clear(editor);
    expect_line("", "", "");
}

Test(line_editor, selects_from_the_history_and_returns_to_the_line_being_typed)
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
    memset(line_editor_line(editor, &size), 0xff, 2);
    cr_assert_eq(line_editor_feed(editor, "", 0, &used), LINE_EDITOR_LINE);
    expect_entered("cd");
}

Test(line_editor, drops_what_does_not_fit_and_rings_the_bell)
{
    char full[MAX_BYTES + 1];
    memset(full, 'x', MAX_BYTES);
    full[MAX_BYTES] = '\0';
    feed(full);
    expect_line("\x7f", full + 1, "");
    expect_line("漢", full + 1, "");
    static char out[LINE_EDITOR_DRAW_BYTES];
    line_editor_draw(editor, 80, out);
    cr_assert_eq(out[0], '\a');
    line_editor_draw(editor, 80, out);
    cr_assert_eq(out[0], '\r');
    expect_line("yz", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxy", "");
}

Test(line_editor, returns_the_reported_cursor_position)
{
    unsigned row, column;
    cr_assert_eq(feed("\x1b[3;7R"), LINE_EDITOR_CURSOR_REPORT);
    line_editor_cursor_report(editor, &row, &column);
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

Test(line_editor, completes_a_single_choice_with_a_blank)
{
    line_editor_set_completion(editor, offer, history);
    expect_line("cl\t", "clients ", "");
    expect_line("\x15", "", "");
    expect_line("cl now\x1b"
                "b\x02\t",
                "clients", " now");
}

Test(line_editor, completes_the_common_prefix_and_then_lists_the_choices)
{
    line_editor_set_completion(editor, offer, history);
    expect_line("x s\t", "x st", "");
    cr_assert_eq(feed("\t"), LINE_EDITOR_CHOICES);
    const struct line_editor_choices *choices = line_editor_choices(editor);
    cr_assert_eq(choices->count, 3);
    cr_assert_str_eq(choices->words[2], "stop");
    cr_assert_eq(choices->begin, 2);
    expect_line("a\t", "x stat", "");
}

Test(line_editor, lists_partial_choices_without_completing)
{
    line_editor_set_completion(editor, offer, history);
    partial = true;
    cr_assert_eq(feed("cl\t"), LINE_EDITOR_CHOICES);
    cr_assert_eq(line_editor_choices(editor)->count, 1);
    cr_assert(line_editor_choices(editor)->partial);
    expect_line("", "cl", "");
    expect_line("q\t", "clq", "");
}

Test(line_editor, completes_only_whole_characters)
{
    line_editor_set_completion(editor, offer, history);
    expect_line("w\t", "wör", "");
}

Test(line_editor, rings_the_bell_when_nothing_completes)
{
    static char out[LINE_EDITOR_DRAW_BYTES];
    expect_line("q\t", "q", "");
    line_editor_draw(editor, 80, out);
    cr_assert_eq(out[0], '\a');
    line_editor_set_completion(editor, offer, history);
    expect_line("\t", "q", "");
    line_editor_draw(editor, 80, out);
    cr_assert_eq(out[0], '\a');
}

Test(line_editor, completes_after_a_nul_byte)
{
    size_t used;
    line_editor_set_completion(editor, NULL, NULL);
    cr_assert_eq(line_editor_feed(editor, "\x16\0s\t", 4, &used), LINE_EDITOR_MORE);
    cr_assert_eq(line_editor_cursor(editor), 2);
}
