/* Tests of text/printable: escaping, truncation, decoding of escapes. */
#include "text/printable.h"

#include <criterion/criterion.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

Test(printable, knows_characters_that_could_control_a_terminal)
{
    cr_assert(printable_is_safe('a'));
    cr_assert(printable_is_safe(0x6f22));
    cr_assert(printable_is_safe(0x0301));
    cr_assert_not(printable_is_safe(0x1b));
    cr_assert_not(printable_is_safe(0x7f));
    cr_assert_not(printable_is_safe(0x9b));
    cr_assert_not(printable_is_safe(0x202e));
    cr_assert_not(printable_is_safe(0x2028));
    cr_assert_not(printable_is_safe(0x200b));
    cr_assert_not(printable_is_safe(0xfeff));
}

Test(printable, escaped_bytes_are_printable_ascii)
{
    char out[64];
    size_t length = printable_ascii(out, sizeof out, "a\n\t\r\\\"\0\x1b\x7f\xff~ ", 12);
    cr_assert_str_eq(out, "a\\n\\t\\r\\\\\\\"\\x00\\x1b\\x7f\\xff~ ");
    cr_assert_eq(length, strlen(out));
}

Test(printable, an_empty_text_stays_empty)
{
    char out[4] = "xyz";
    cr_assert_eq(printable_ascii(out, sizeof out, "", 0), 0);
    cr_assert_str_eq(out, "");
}

Test(printable, a_text_that_fits_exactly_is_not_truncated)
{
    char out[4];
    cr_assert_eq(printable_ascii(out, 4, "abc", 3), 3);
    cr_assert_str_eq(out, "abc");
    cr_assert_eq(printable_ascii(out, 4, "abcd", 4), 3);
    cr_assert_str_eq(out, "...");
}

Test(printable, a_text_is_truncated_between_escapes)
{
    char out[12];
    cr_assert_eq(printable_ascii(out, sizeof out, "abcdef\xff\xff", 8), 9);
    cr_assert_str_eq(out, "abcdef...");
    cr_assert_eq(printable_ascii(out, sizeof out, "\xff\xff\xff", 3), 11);
    cr_assert_str_eq(out, "\\xff\\xff...");
}

Test(printable, escapes_never_exceed_the_room)
{
    uint8_t bytes[40];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37);
    for (size_t room = 4; room < 4 * sizeof bytes + 2; room++) {
        char out[4 * sizeof bytes + 2];
        memset(out, '#', sizeof out);
        size_t length = printable_ascii(out, room, bytes, sizeof bytes);
        cr_expect_lt(length, room);
        cr_expect_eq(strlen(out), length);
        for (size_t i = room; i < sizeof out; i++)
            cr_expect_eq(out[i], '#');
    }
}

Test(printable, every_escaped_byte_is_decoded_to_itself)
{
    for (int i = 0; i < 256; i++) {
        uint8_t byte = (uint8_t)i, decoded = (uint8_t)~i;
        char out[8];
        size_t length = printable_ascii(out, sizeof out, &byte, 1);
        if (length == 1)
            continue;
        cr_expect_eq(printable_unescape(out + 1, &decoded), length - 1);
        cr_expect_eq(decoded, byte);
    }
}

Test(printable, an_invalid_escape_is_refused)
{
    static const char *const BAD[] = {"", "q", "0", "x", "x1", "xg0", "x0g", "N"};
    for (size_t i = 0; i < COUNT(BAD); i++) {
        uint8_t byte;
        cr_expect_eq(printable_unescape(BAD[i], &byte), 0, "%s", BAD[i]);
    }
}

Test(printable, a_line_keeps_its_backslashes)
{
    char out[16];
    cr_assert_eq(printable_line(out, sizeof out, "a\\n\n"), 5);
    cr_assert_str_eq(out, "a\\n\\n");
}

Test(printable, a_line_is_truncated_between_escapes)
{
    char out[12];
    cr_assert_eq(printable_line(out, sizeof out, "abcdef\xff\xff"), 9);
    cr_assert_str_eq(out, "abcdef...");
    cr_assert_eq(printable_line(out, 4, "abc"), 3);
    cr_assert_str_eq(out, "abc");
    cr_assert_eq(printable_line(out, 4, "abcd"), 3);
    cr_assert_str_eq(out, "...");
    cr_assert_eq(printable_line(out, 4, ""), 0);
    cr_assert_str_eq(out, "");
}
