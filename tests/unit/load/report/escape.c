/* Tests of escaping texts for JSON, HTML and terminals. */
#include "load/report/escape.h"

#include "load_report_fixture.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

static void expect(void (*function)(FILE *out, const char *text), const char *text,
                   const char *expected)
{
    char *printed = NULL;
    size_t size;
    FILE *out = open_memstream(&printed, &size);
    function(out, text);
    fclose(out);
    cr_assert_str_eq(printed, expected);
    free(printed);
}

Test(escape, escapes_any_text_for_json)
{
    expect(escape_json, NULL, "\"\"");
    expect(escape_json, "", "\"\"");
    expect(escape_json, "audi", "\"audi\"");
    expect(escape_json, "\"\\\b\f\n\r\t", "\"\\\"\\\\\\b\\f\\n\\r\\t\"");
    expect(escape_json, "\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"");
    expect(escape_json, "\u00e4\u20ac\U0001f697", "\"\u00e4\u20ac\U0001f697\"");
    expect(escape_json, "a\xff\xed\xa0\x80z", "\"a\\ufffd\\ufffd\\ufffd\\ufffdz\"");
}

Test(escape, escapes_the_end_of_a_script_in_json)
{
    expect(escape_json, "</script><!--", "\"\\u003c/script>\\u003c!--\"");
}

Test(escape, escapes_any_text_for_html)
{
    expect(escape_html, NULL, "");
    expect(escape_html, "<b title=\"a & 'b'\">", "&lt;b title=&quot;a &amp; &#39;b&#39;&quot;&gt;");
    expect(escape_html, "\u00e4\x01\x80z", "\u00e4\\x01\\x80z");
}

Test(escape, escapes_control_sequences_of_terminals)
{
    expect(escape_line, "<audi> & \"bmw\"", "<audi> & \"bmw\"");
    expect(escape_line, "\x1b[31m\n\x7f", "\\x1b[31m\\n\\x7f");
    expect(escape_line, "\302\23331m\u00a0",
           "\\xc2\\x9b31m\u00a0"); /* U+009B is a one-byte ESC [ */
}

Test(escape, escapes_every_byte_to_valid_json)
{
    char *printed = NULL;
    size_t size;
    FILE *out = open_memstream(&printed, &size);
    escape_json(out, report_hostile());
    fclose(out);
    cr_assert_eq(report_json_value(printed), printed + size);
    cr_assert_null(strchr(printed, '<'));
    free(printed);
}
