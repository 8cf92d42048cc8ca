#include "ctl/output/json.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static void expect(const char *text, const char *json)
{
    char *written;
    size_t size;
    FILE *out = open_memstream(&written, &size);
    cr_assert_not_null(out);
    json_string(out, text);
    cr_assert_eq(fclose(out), 0);
    cr_expect_str_eq(written, json);
    free(written);
}

Test(json, quotes_plain_text)
{
    expect("", "\"\"");
    expect("10.0.0.1:3000", "\"10.0.0.1:3000\"");
}

Test(json, escapes_quotes_and_backslashes)
{
    expect("a\"b\\c/d", "\"a\\\"b\\\\c/d\"");
}

Test(json, escapes_every_control_character)
{
    expect("\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"");
    expect("\x01\x1b[31m\x1f", "\"\\u0001\\u001b[31m\\u001f\"");
    expect("\x7f\xc2\x80\u202e", "\"\\u007f\\u0080\\u202e\"");
}

Test(json, keeps_utf8_of_every_length)
{
    expect("\xc2\xa0 \xdf\xbf", "\"\xc2\xa0 \xdf\xbf\"");
    expect("\xe0\xa0\x80 \xed\x9f\xbf \xef\xbf\xbf", "\"\xe0\xa0\x80 \xed\x9f\xbf \xef\xbf\xbf\"");
    expect("\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf", "\"\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf\"");
}

Test(json, replaces_invalid_utf8)
{
    expect("\x80", "\"\\ufffd\"");                       /* a continuation byte without a start */
    expect("a\xffz", "\"a\\ufffdz\"");                   /* never a byte of UTF-8 */
    expect("\xc0\xaf", "\"\\ufffd\\ufffd\"");            /* overlong */
    expect("\xe0\x9f\xbf", "\"\\ufffd\\ufffd\\ufffd\""); /* overlong */
    expect("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""); /* a surrogate */
    expect("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""); /* beyond U+10FFFF */
}

Test(json, replaces_an_incomplete_sequence_at_the_end)
{
    expect("\xc3", "\"\\ufffd\"");
    expect("\xe2\x82", "\"\\ufffd\\ufffd\"");
    expect("\xe2\x82\"", "\"\\ufffd\\ufffd\\\"\"");
    expect("\xf0\x9f\x98", "\"\\ufffd\\ufffd\\ufffd\"");
}

Test(json, writes_bytes_of_a_given_size_a_nul_too)
{
    char *written;
    size_t size;
    FILE *out = open_memstream(&written, &size);
    json_bytes(out, "a\0\xff", 3);
    json_bytes(out, NULL, 0);
    cr_assert_eq(fclose(out), 0);
    cr_expect_str_eq(written, "\"a\\u0000\\ufffd\"\"\"");
    free(written);
}
