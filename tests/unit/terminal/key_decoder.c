#include "terminal/key_decoder.h"

#include <criterion/criterion.h>
#include <string.h>

static struct key_decoder keyboard;

static void begin(void)
{
    keyboard = (struct key_decoder){0};
}

/* The key that bytes make, all of which it takes; its text in text. */
static enum key_decoder_key client_key_of(const char *bytes, char text[64])
{
    size_t size = strlen(bytes), used;
    enum key_decoder_key key = key_decoder_next(&keyboard, bytes, size, &used);
    cr_assert_eq(used, size, "of %s", bytes);
    text[0] = '\0';
    if (key == KEY_TEXT) {
        memcpy(text, keyboard.text, keyboard.text_size);
        text[keyboard.text_size] = '\0';
    }
    return key;
}

static void expect_key(const char *bytes, enum key_decoder_key key)
{
    char text[64];
    cr_assert_eq(client_key_of(bytes, text), key, "of \\x%02x%s", bytes[0], bytes + 1);
}

static void expect_text(const char *bytes, const char *expected)
{
    char text[64];
    cr_assert_eq(client_key_of(bytes, text), KEY_TEXT);
    cr_assert_str_eq(text, expected);
}

TestSuite(key_decoder, .init = begin, .timeout = 10);

Test(key_decoder, keys_are_text_for_runs_of_ascii_and_for_each_other_code_point)
{
    expect_text("plain text", "plain text");
    expect_text("é", "é");
    expect_text("漢", "漢");
    expect_text("😀", "😀");
}

Test(key_decoder, keys_of_terminals_have_several_forms)
{
    expect_key("\x1b[A", KEY_UP);
    expect_key("\x1bOA", KEY_UP);
    expect_key("\x1b[1~", KEY_HOME);
    expect_key("\x1b[7~", KEY_HOME);
    expect_key("\x1bOH", KEY_HOME);
    expect_key("\x1b[H", KEY_HOME);
    expect_key("\x1b[4~", KEY_END);
    expect_key("\x1b[3~", KEY_DELETE);
    expect_key("\x1b[1;5C", KEY_WORD_RIGHT);
    expect_key("\x1b[1;3D", KEY_WORD_LEFT);
    expect_key("\x1b[1;2D", KEY_LEFT);
    expect_key("\x1b"
               "b",
               KEY_WORD_LEFT);
    expect_key("\x1b\x7f", KEY_KILL_PART_LEFT);
    expect_key("\x7f", KEY_BACKSPACE);
    expect_key("\b", KEY_BACKSPACE);
    expect_key("\r", KEY_ENTER);
}

Test(key_decoder, keys_that_mean_nothing_are_taken_whole)
{
    expect_key("\x1b[15~", KEY_OTHER);
    expect_key("\x1b[[A", KEY_OTHER);
    expect_key("\x1b[<0;10;20M", KEY_OTHER);
    expect_key("\x1b[?1;2c", KEY_OTHER);
    expect_key("\x1bOP", KEY_OTHER);
    expect_key("\x1bz", KEY_OTHER);
    expect_key("\x07", KEY_OTHER);
    expect_text("a", "a");
}

Test(key_decoder, keys_may_come_in_pieces)
{
    expect_key("\x1b", KEY_NONE);
    expect_key("[1;", KEY_NONE);
    expect_key("5D", KEY_WORD_LEFT);
    expect_key("\xe6", KEY_NONE);
    expect_key("\xbc", KEY_NONE);
    expect_text("\xa2", "漢");
}

Test(key_decoder, keys_make_a_replacement_of_each_break_in_utf8)
{
    size_t used;
    expect_text("\xff", "\xef\xbf\xbd");
    expect_text("\xc0", "\xef\xbf\xbd");
    cr_assert_eq(key_decoder_next(&keyboard,
                                  "\xe6\xbc"
                                  "a",
                                  3, &used),
                 KEY_TEXT);
    cr_assert_eq(used, 2);
    cr_assert_eq(keyboard.text_size, 3);
    expect_text("\xed\xa0\x80", "\xef\xbf\xbd");
    expect_text("a", "a");
}

Test(key_decoder, keys_hear_an_interrupt_in_the_middle_of_a_sequence)
{
    static const char *const begun[] = {"\x1b", "\x1b[", "\x1b[1;", "\x1bO", "\x1b[["};
    for (size_t i = 0; i < sizeof begun / sizeof *begun; i++) {
        expect_key(begun[i], KEY_NONE);
        expect_key("\x03", KEY_INTERRUPT);
    }
    cr_assert_eq(client_key_of("\xe6", (char[64]){0}), KEY_NONE);
    size_t used;
    cr_assert_eq(key_decoder_next(&keyboard, "\x03", 1, &used), KEY_TEXT);
    cr_assert_eq(used, 0);
    expect_key("\x03", KEY_INTERRUPT);
}

Test(key_decoder, keys_quote_the_next_byte)
{
    expect_key("\x16", KEY_NONE);
    expect_text("\x03", "\x03");
    expect_key("\x16", KEY_NONE);
    expect_key("\xc3", KEY_NONE);
    expect_text("\xa9", "é");
}

/* All text of a paste, joined; what follows it is taken as keys again. */
static void expect_paste(const char *bytes, const char *expected)
{
    char text[256] = "";
    size_t length = 0;
    for (size_t size = strlen(bytes), used; size; bytes += used, size -= used) {
        if (key_decoder_next(&keyboard, bytes, size, &used) != KEY_TEXT)
            continue;
        memcpy(text + length, keyboard.text, keyboard.text_size);
        length += keyboard.text_size;
    }
    text[length] = '\0';
    cr_assert_str_eq(text, expected);
}

Test(key_decoder, keys_are_text_in_a_paste_whatever_they_are)
{
    expect_paste("\x1b[200~a\x03\x1b[A\t\xe6\xbc\xa2\x1b[201~", "a\x03\x1b[A\t漢");
    expect_key("\x03", KEY_INTERRUPT);
}

Test(key_decoder, keys_of_a_paste_have_newlines_however_they_came)
{
    expect_paste("\x1b[200~a\rb\nc\r\nd\r\ré\n\x1b[201~", "a\nb\nc\nd\n\né\n");
}

Test(key_decoder, keys_of_a_paste_may_look_like_its_end)
{
    expect_paste("\x1b[200~\x1b\x1b[20\x1b[200~\x1b[201~", "\x1b\x1b[20\x1b[200~");
    expect_key("\x03", KEY_INTERRUPT);
}

Test(key_decoder, keys_give_the_cursors_position)
{
    expect_key("\x1b[12;34R", KEY_POSITION);
    cr_assert_eq(keyboard.numbers[0], 12);
    cr_assert_eq(keyboard.numbers[1], 34);
    expect_key("\x1b[99999999999999999999;R", KEY_POSITION);
    cr_assert_eq(keyboard.numbers[0], 9999);
    cr_assert_eq(keyboard.numbers[1], 0);
}
