/* Tests of decoding terminal input: keys, sequences in pieces, invalid UTF-8 and pastes. */
#include "terminal/key_decoder.h"

#include <criterion/criterion.h>
#include <string.h>

static struct key_decoder decoder;

static void begin(void)
{
    decoder = (struct key_decoder){0};
}

/* Returns the key that all of bytes make, and copies its text to text. */
static enum key_decoder_key key_of(const char *bytes, char text[64])
{
    size_t size = strlen(bytes), used;
    enum key_decoder_key key = key_decoder_next(&decoder, bytes, size, &used);
    cr_assert_eq(used, size, "bytes consumed of %s", bytes);
    text[0] = '\0';
    if (key == KEY_TEXT) {
        memcpy(text, decoder.text, decoder.text_size);
        text[decoder.text_size] = '\0';
    }
    return key;
}

static void expect_key(const char *bytes, enum key_decoder_key key)
{
    char text[64];
    cr_assert_eq(key_of(bytes, text), key, "of \\x%02x%s", bytes[0], bytes + 1);
}

static void expect_text(const char *bytes, const char *expected)
{
    char text[64];
    cr_assert_eq(key_of(bytes, text), KEY_TEXT);
    cr_assert_str_eq(text, expected);
}

TestSuite(key_decoder, .init = begin, .timeout = 10);

Test(key_decoder, returns_runs_of_ascii_and_single_other_code_points_as_text)
{
    expect_text("plain text", "plain text");
    expect_text("é", "é");
    expect_text("漢", "漢");
    expect_text("😀", "😀");
}

Test(key_decoder, decodes_the_sequences_of_different_terminals)
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

Test(key_decoder, skips_unknown_sequences_completely)
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

Test(key_decoder, accepts_sequences_in_pieces)
{
    expect_key("\x1b", KEY_NONE);
    expect_key("[1;", KEY_NONE);
    expect_key("5D", KEY_WORD_LEFT);
    expect_key("\xe6", KEY_NONE);
    expect_key("\xbc", KEY_NONE);
    expect_text("\xa2", "漢");
}

Test(key_decoder, replaces_invalid_utf8)
{
    size_t used;
    expect_text("\xff", "\xef\xbf\xbd");
    expect_text("\xc0", "\xef\xbf\xbd");
    cr_assert_eq(key_decoder_next(&decoder,
                                  "\xe6\xbc"
                                  "a",
                                  3, &used),
                 KEY_TEXT);
    cr_assert_eq(used, 2);
    cr_assert_eq(decoder.text_size, 3);
    expect_text("\xed\xa0\x80", "\xef\xbf\xbd");
    expect_text("a", "a");
}

Test(key_decoder, returns_an_interrupt_in_the_middle_of_a_sequence)
{
    static const char *const begun[] = {"\x1b", "\x1b[", "\x1b[1;", "\x1bO", "\x1b[["};
    for (size_t i = 0; i < sizeof begun / sizeof *begun; i++) {
        expect_key(begun[i], KEY_NONE);
        expect_key("\x03", KEY_INTERRUPT);
    }
    cr_assert_eq(key_of("\xe6", (char[64]){0}), KEY_NONE);
    size_t used;
    cr_assert_eq(key_decoder_next(&decoder, "\x03", 1, &used), KEY_TEXT);
    cr_assert_eq(used, 0);
    expect_key("\x03", KEY_INTERRUPT);
}

Test(key_decoder, quotes_the_next_byte)
{
    expect_key("\x16", KEY_NONE);
    expect_text("\x03", "\x03");
    expect_key("\x16", KEY_NONE);
    expect_key("\xc3", KEY_NONE);
    expect_text("\xa9", "é");
}

/* Expects the joined text of a paste. */
static void expect_paste(const char *bytes, const char *expected)
{
    char text[256] = "";
    size_t length = 0;
    for (size_t size = strlen(bytes), used; size; bytes += used, size -= used) {
        if (key_decoder_next(&decoder, bytes, size, &used) != KEY_TEXT)
            continue;
        memcpy(text + length, decoder.text, decoder.text_size);
        length += decoder.text_size;
    }
    text[length] = '\0';
    cr_assert_str_eq(text, expected);
}

Test(key_decoder, returns_everything_in_a_paste_as_text)
{
    expect_paste("\x1b[200~a\x03\x1b[A\t\xe6\xbc\xa2\x1b[201~", "a\x03\x1b[A\t漢");
    expect_key("\x03", KEY_INTERRUPT);
}

Test(key_decoder, accepts_each_form_of_newline_in_a_paste)
{
    expect_paste("\x1b[200~a\rb\nc\r\nd\r\ré\n\x1b[201~", "a\nb\nc\nd\n\né\n");
}

Test(key_decoder, accepts_a_prefix_of_its_end_in_a_paste)
{
    expect_paste("\x1b[200~\x1b\x1b[20\x1b[200~\x1b[201~", "\x1b\x1b[20\x1b[200~");
    expect_key("\x03", KEY_INTERRUPT);
}

Test(key_decoder, returns_the_reported_cursor_position)
{
    expect_key("\x1b[12;34R", KEY_CURSOR_REPORT);
    cr_assert_eq(decoder.numbers[0], 12);
    cr_assert_eq(decoder.numbers[1], 34);
    expect_key("\x1b[99999999999999999999;R", KEY_CURSOR_REPORT);
    cr_assert_eq(decoder.numbers[0], 9999);
    cr_assert_eq(decoder.numbers[1], 0);
}
