/* Tests of the forms in which received messages are printed. */
#include "client/print_message.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void expect_bytes(enum print_style style, const char *bytes, size_t size, uint64_t rtt_ns,
                         const char *printed)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    cr_assert_not_null(out);
    print_message(out, style,
                  &(struct received_message){(const uint8_t *)bytes, size, "1.2.3.4:5", 67, rtt_ns,
                                             RECEIVED_REPLY, false});
    fclose(out);
    cr_assert_str_eq(text, printed);
    cr_assert_eq(length, strlen(printed));
    free(text);
}

static void expect_text(enum print_style style, const char *text, const char *printed)
{
    expect_bytes(style, text, strlen(text), 0, printed);
}

#define JSON(size, rest) \
    "{\"time_ms\":67,\"from\":\"1.2.3.4:5\",\"kind\":\"reply\",\"size\":" size "," rest "}\n"

static void expect_marked(enum received_kind kind, uint64_t rtt_ns, bool hex, bool colour,
                          const char *printed)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    cr_assert_not_null(out);
    print_message_marked(out, hex, colour,
                         &(struct received_message){(const uint8_t *)"a\x1b\n", 3, "1.2.3.4:5", 67,
                                                    rtt_ns, kind, false});
    fclose(out);
    cr_assert_str_eq(text, printed);
    free(text);
}

TestSuite(print_message, .timeout = 10);

Test(print_message, chooses_the_style_by_the_options_and_the_output)
{
    cr_assert_eq(print_style(false, false, true, true), PRINT_ESCAPED);
    cr_assert_eq(print_style(false, false, false, true), PRINT_RAW);
    cr_assert_eq(print_style(false, false, false, false), PRINT_LINE);
    cr_assert_eq(print_style(false, true, true, true), PRINT_HEX);
    cr_assert_eq(print_style(true, false, true, true), PRINT_JSON);
    cr_assert_eq(print_style(true, true, false, false), PRINT_JSON_HEX);
}

Test(print_message, leaves_raw_bytes_as_they_are)
{
    expect_text(PRINT_RAW, "a\nb\x1b\xff", "a\nb\x1b\xff\n");
    expect_text(PRINT_RAW, "", "\n");
}

Test(print_message, does_not_repeat_the_newline_at_the_end)
{
    expect_text(PRINT_RAW, "a\n", "a\n");
    expect_text(PRINT_LINE, "a\r\n", "a\n");
    expect_text(PRINT_ESCAPED, "a\n", "a\n");
    expect_text(PRINT_RAW, "a\n\n", "a\n\n");
    expect_text(PRINT_RAW, "\n", "\n");
    expect_text(PRINT_RAW, "\r\n", "\n");
    expect_text(PRINT_RAW, "\r", "\r\n");
}

Test(print_message, keeps_a_datagram_on_one_line)
{
    expect_text(PRINT_LINE, "a\nb\n\nc", "a b  c\n");
    expect_text(PRINT_LINE, "\n\n", " \n");
}

Test(print_message, escapes_what_could_control_a_terminal)
{
    expect_text(PRINT_ESCAPED, "\x1b[2J\a\x7f\r\t\\ \"x\"", "\\x1b[2J\\x07\\x7f\\r\\t\\\\ \"x\"\n");
    expect_text(PRINT_ESCAPED, "a\nb", "a\\nb\n");
    expect_bytes(PRINT_ESCAPED, "\0a", 2, 0, "\\x00a\n");
    expect_text(PRINT_ESCAPED, "\xc2\x9b[2J", "\\xc2\\x9b[2J\n");
    expect_text(PRINT_ESCAPED, "\xe2\x80\xae", "\\xe2\\x80\\xae\n");
}

Test(print_message, leaves_printable_utf8_readable)
{
    expect_text(PRINT_ESCAPED, "käse € 𝄞 é", "käse € 𝄞 é\n");
}

Test(print_message, escapes_what_is_not_utf8)
{
    expect_text(PRINT_ESCAPED, "\xff", "\\xff\n");
    expect_text(PRINT_ESCAPED, "\xc0\xaf", "\\xc0\\xaf\n");                   /* overlong */
    expect_text(PRINT_ESCAPED, "\xe0\x80\xaf", "\\xe0\\x80\\xaf\n");          /* overlong */
    expect_text(PRINT_ESCAPED, "\xed\xa0\x80", "\\xed\\xa0\\x80\n");          /* surrogate */
    expect_text(PRINT_ESCAPED, "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80\n"); /* > U+10FFFF */
    expect_text(PRINT_ESCAPED, "\xe2\x82", "\\xe2\\x82\n");                   /* truncated */
    expect_text(PRINT_ESCAPED, "\xc3(", "\\xc3(\n");
}

Test(print_message, writes_hexadecimal)
{
    expect_bytes(PRINT_HEX, "\0\xff\n", 3, 0, "00ff0a\n");
    expect_text(PRINT_HEX, "", "\n");
}

Test(print_message, writes_json_with_text_if_it_is_utf8)
{
    expect_text(PRINT_JSON, "kä\"\\\n\x01", JSON("7", "\"text\":\"kä\\\"\\\\\\n\\u0001\""));
    expect_text(PRINT_JSON, "\xc2\x9b", JSON("2", "\"text\":\"\\u009b\""));
    expect_text(PRINT_JSON, "", JSON("0", "\"text\":\"\""));
}

Test(print_message, writes_json_with_hex_if_it_is_not_utf8_or_hex_is_set)
{
    expect_text(PRINT_JSON, "a\xff", JSON("2", "\"hex\":\"61ff\""));
    expect_text(PRINT_JSON_HEX, "a", JSON("1", "\"hex\":\"61\""));
}

Test(print_message, writes_the_round_trip_time_if_it_is_known)
{
    expect_bytes(PRINT_JSON, "a", 1, 1234567, JSON("1", "\"rtt_ms\":1.235,\"text\":\"a\""));
}

Test(print_message, marks_the_kind_of_a_datagram)
{
    expect_marked(RECEIVED_REPLY, 1234567, false, false, "< a\\x1b  (1.23 ms)\n");
    expect_marked(RECEIVED_BROADCAST, 0, false, false, "* a\\x1b\n");
    expect_marked(RECEIVED_LATE, 0, false, false, "? a\\x1b  (late, or a broadcast)\n");
    expect_marked(RECEIVED_KEEPALIVE, 500000, false, false,
                  "< a\\x1b  (to a keepalive, 0.500 ms)\n");
    expect_marked(RECEIVED_BROADCAST, 0, true, false, "* 611b0a\n");
}

Test(print_message, marks_in_colour)
{
    expect_marked(RECEIVED_BROADCAST, 0, false, true, "\x1b[1m* a\\x1b\x1b[m\n");
    expect_marked(RECEIVED_REPLY, 1000000, false, true, "< a\\x1b\x1b[m\x1b[2m  (1.00 ms)\x1b[m\n");
}

Test(print_message, writes_times_with_three_digits)
{
    char text[24];
    cr_assert_str_eq(print_time(41234, text), "0.041 ms");
    cr_assert_str_eq(print_time(999600, text), "1.00 ms");
    cr_assert_str_eq(print_time(12345678, text), "12.3 ms");
    cr_assert_str_eq(print_time(99960000, text), "100 ms");
    cr_assert_str_eq(print_time(1500000000, text), "1.50 s");
    cr_assert_str_eq(print_time(999600000, text), "1.00 s");
    cr_assert_str_eq(print_time(60000000000, text), "60.0 s");
}

Test(print_message, writes_the_kind_of_a_datagram_in_json)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    print_message(
        out, PRINT_JSON,
        &(struct received_message){(const uint8_t *)"a", 1, "f", 6, 0, RECEIVED_LATE, false});
    fclose(out);
    cr_assert_not_null(strstr(text, "\"kind\":\"late\""), "%s", text);
    free(text);
}

Test(print_message, prints_the_sender_if_there_are_several)
{
    static const uint8_t bytes[] = "hello";
    const struct received_message message = {bytes, 5, "10.7.0.2:3000", 67, 0, RECEIVED_BROADCAST,
                                             true};
    char text[256] = "";
    FILE *out = fmemopen(text, sizeof text, "w");
    print_message(out, PRINT_LINE, &message);
    print_message(out, PRINT_HEX, &message);
    print_message_marked(out, false, false, &message);
    fclose(out);
    cr_assert_str_eq(text, "10.7.0.2:3000: hello\n10.7.0.2:3000: 68656c6c6f\n"
                           "* 10.7.0.2:3000: hello\n");
}
