/* JSON texts: exactly those of RFC 8259 are accepted, after the ideas of the public test suites. */
#include "text/json_reader.h"

#include <criterion/criterion.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

TestSuite(json_reader, .timeout = 60);

/* Returns a copy that ends where its memory ends, so that sanitizers see a read beyond it. */
static char *copy_of(const char *bytes, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1);
    cr_assert_not_null(copy);
    memcpy(copy, bytes, size);
    return copy;
}

/* Returns what is wrong with a text that should be one value, or NULL. */
static const char *wrong_with(const char *bytes, size_t size)
{
    struct json_reader reader;
    struct json_text value;
    char *copy = copy_of(bytes, size);
    json_reader_init(&reader, copy, size);
    bool is_valid = json_reader_raw(&reader, &value) && json_reader_end(&reader);
    cr_expect_eq(is_valid, reader.wrong == NULL);
    cr_expect_leq(json_reader_column(&reader), size + 1);
    free(copy);
    return reader.wrong;
}

static void accepts(const char *text)
{
    const char *wrong = wrong_with(text, strlen(text));
    cr_expect_null(wrong, "%s: %s", text, wrong);
}

static void rejects(const char *text)
{
    cr_expect_not_null(wrong_with(text, strlen(text)), "%s", text);
}

static void each(void (*test)(const char *text), const char *const *texts)
{
    for (; *texts != NULL; texts++)
        test(*texts);
}

/* Expects that a text is a string with this value. */
static void decodes(const char *text, const char *bytes, size_t size)
{
    struct json_reader reader;
    struct json_text value;
    char *copy = copy_of(text, strlen(text));
    json_reader_init(&reader, copy, strlen(text));
    cr_expect(json_reader_string(&reader, &value) && json_reader_end(&reader), "%s: %s", text,
              reader.wrong);
    cr_expect_eq(value.size, size, "%s", text);
    cr_expect(value.size == size && memcmp(value.bytes, bytes, size) == 0, "%s", text);
    free(copy);
}

/* ---- any value ---- */

Test(json_reader, accepts_values_of_each_kind)
{
    each(accepts,
         (const char *const[]){"true", "false", "null", "\"\"", "{}", "[]", " \t\r\n[ \n] ",
                               "[1,2]", "[[],[[]],{}]", "{\"a\":1,\"b\":{\"c\":[true,null]}}",
                               "{\"\":0}", "{\"a\":1,\"a\":2}", "{ \"a\" : 1 , \"b\" : 2 }", NULL});
}

Test(json_reader, rejects_what_is_not_one_value)
{
    each(rejects, (const char *const[]){"", " ", "true false", "truex", "tru", "True", "nul", "nan",
                                        "Infinity", "'a'", "a", "[1]]", "{}}", "// c\n1", "1/**/",
                                        "\f1", "\xef\xbb\xbf{}",
                                        "\xc2\xa0"
                                        "1",
                                        NULL});
}

Test(json_reader, rejects_arrays_and_objects_with_a_wrong_form)
{
    each(rejects, (const char *const[]){
                      "[",         "]",          "[1",        "[1,",        "[1,]",
                      "[,1]",      "[1,,2]",     "[1 2]",     "[1:2]",      "[}",
                      "{",         "}",          "{\"a\"",    "{\"a\":",    "{\"a\":1",
                      "{\"a\":1,", "{\"a\":1,}", "{,}",       "{\"a\",1}",  "{a:1}",
                      "{1:1}",     "{\"a\":}",   "{\"a\" 1}", "{\"a\"::1}", "{\"a\":1 \"b\":2}",
                      "{null:1}",  "{[]:1}",     "{\"a\":1]", NULL});
}

Test(json_reader, numbers_have_the_form_of_the_rfc)
{
    each(accepts, (const char *const[]){"0", "-0", "1", "-1", "10", "1.5", "-1.50", "0.0", "1e5",
                                        "1E5", "1e+5", "1e-5", "0e0", "1.5e07", "1e999", "-1e999",
                                        "123456789012345678901234567890", NULL});
    each(rejects, (const char *const[]){"01",  "-01", "00",   "-",   "--1",  "+1",    ".5",
                                        "-.5", "1.",  "1.e5", "1e",  "1e+",  "1e1.5", "1.5.5",
                                        "0x1", "1a",  "1_0",  "- 1", "1 .5", "-a",    NULL});
}

Test(json_reader, nesting_has_a_limit)
{
    for (int depth = 1; depth <= 2 * JSON_READER_DEPTH_MAX; depth++) {
        char text[4 * JSON_READER_DEPTH_MAX + 1] = "";
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        if (depth <= JSON_READER_DEPTH_MAX)
            accepts(text);
        else
            cr_expect_str_eq(wrong_with(text, strlen(text)), "nested too deeply");
    }
    char *many = malloc(1000000);
    cr_assert_not_null(many);
    memset(many, '[', 1000000);
    cr_expect_str_eq(wrong_with(many, 1000000), "nested too deeply");
    free(many);
}

Test(json_reader, a_nul_byte_is_no_blank_and_no_end)
{
    cr_expect_not_null(wrong_with("1\0", 2));
    cr_expect_not_null(wrong_with("\0001", 2));
    cr_expect_not_null(wrong_with("[1\0]", 4));
    cr_expect_not_null(wrong_with("[\0", 2));
    cr_expect_not_null(wrong_with("\"a\0b\"", 5));
    cr_expect_not_null(wrong_with("\"\\\0\"", 4));
}

/* ---- strings ---- */

Test(json_reader, decodes_escapes)
{
    decodes("\"\"", "", 0);
    decodes("\"a b\"", "a b", 3);
    decodes("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8);
    decodes("\"\\u0000\"", "\0", 1);
    decodes("\"\\u0041\\u00e9\\u00E9\\u20ac\"", "A\xc3\xa9\xc3\xa9\xe2\x82\xac", 8);
    decodes("\"\\uFFFF\\ud7ff\\ue000\"", "\xef\xbf\xbf\xed\x9f\xbf\xee\x80\x80", 9);
    decodes("\"\\ud83d\\ude00x\"", "\xf0\x9f\x98\x80x", 5);
    decodes("\"\\udbff\\udfff\"", "\xf4\x8f\xbf\xbf", 4);
    decodes("\"\x7f\xc2\x80\xf4\x8f\xbf\xbf\"", "\x7f\xc2\x80\xf4\x8f\xbf\xbf", 7);
}

Test(json_reader, rejects_strings_with_a_wrong_form)
{
    each(rejects,
         (const char *const[]){"\"", "\"a", "\"\\\"", "\"\\", "\"\\a\"", "\"\\x41\"", "\"\\'\"",
                               "\"\\u\"", "\"\\u004\"", "\"\\u004g\"", "\"\\u004", "\"\\U0041\"",
                               "\"\\u+041\"", "\"\n\"", "\"\t\"", "\"\x1f\"", "\"\\\n\"", NULL});
}

Test(json_reader, half_of_a_surrogate_pair_is_rejected)
{
    static const char *const halves[] = {"\"\\ud800\"",        "\"\\udc00\"",
                                         "\"\\ud800a\"",       "\"\\ud800\\n\"",
                                         "\"\\ud800\\u0041\"", "\"\\ud800\\ud800\"",
                                         "\"\\udc00\\ud800\"", "\"\\ud800\\",
                                         "\"\\ud800\\u",       NULL};
    for (const char *const *half = halves; *half != NULL; half++)
        cr_expect_str_eq(wrong_with(*half, strlen(*half)), "half of a surrogate pair", "%s", *half);
    rejects("\"\\ud800\\udc0");
    rejects("\"\\ud800\\udc0x\"");
}

Test(json_reader, strings_are_utf8)
{
    each(rejects,
         (const char *const[]){"\"\x80\"", "\"\xc3\"", "\"\xc3(\"", "\"\xc0\x80\"", "\"\xc1\xbf\"",
                               "\"\xe0\x80\x80\"", "\"\xe2\x82\"", "\"\xed\xa0\x80\"",
                               "\"\xf0\x80\x80\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xf8\"",
                               "\"\xff\"", "\"\xe2\x82", NULL});
}

/* ---- member by member ---- */

Test(json_reader, reads_members_elements_and_raw_values)
{
    char text[] =
        "{ \"a\\u0062\" : [ \"x\", \"y\" ], \"e\": [], \"r\" : {\"k\": [1, 2 ]} , \"o\":{} }";
    struct json_reader reader;
    struct json_text name, value;
    json_reader_init(&reader, text, strlen(text));
    cr_expect_eq(json_reader_peek(&reader), '{');
    cr_assert(json_reader_object(&reader));
    cr_assert(json_reader_member(&reader, &name) && json_text_is(&name, "ab"));
    cr_assert(json_reader_array(&reader));
    cr_assert(json_reader_element(&reader) && json_reader_string(&reader, &value));
    cr_expect(json_text_is(&value, "x"));
    cr_assert(json_reader_element(&reader) && json_reader_string(&reader, &value));
    cr_expect(json_text_is(&value, "y") && !json_text_is(&value, "yy"));
    cr_assert_not(json_reader_element(&reader));
    cr_assert(json_reader_member(&reader, &name) && json_text_is(&name, "e"));
    cr_assert(json_reader_array(&reader));
    cr_assert_not(json_reader_element(&reader));
    cr_assert(json_reader_member(&reader, &name) && json_text_is(&name, "r"));
    cr_assert(json_reader_raw(&reader, &value));
    cr_expect(json_text_is(&value, "{\"k\": [1, 2 ]}"));
    cr_assert(json_reader_member(&reader, &name) && json_text_is(&name, "o"));
    cr_assert(json_reader_object(&reader));
    cr_assert_not(json_reader_member(&reader, &name));
    cr_assert_not(json_reader_member(&reader, &name));
    cr_expect(json_reader_end(&reader));
}

Test(json_reader, a_missing_comma_is_found_after_a_nested_value)
{
    char text[] = "{\"a\":{} \"b\":1}";
    struct json_reader reader;
    struct json_text name;
    json_reader_init(&reader, text, strlen(text));
    cr_assert(json_reader_object(&reader) && json_reader_member(&reader, &name));
    cr_assert(json_reader_object(&reader));
    cr_expect_not(json_reader_member(&reader, &name));
    cr_expect_not(json_reader_member(&reader, &name));
    cr_expect_str_eq(reader.wrong, "',' or the end of the value is expected");
    cr_expect_eq(json_reader_column(&reader), 9);
}

Test(json_reader, after_an_error_everything_fails_and_the_first_error_stays)
{
    char text[] = "[\"a\\q\", \"b\"]";
    struct json_reader reader;
    struct json_text value;
    json_reader_init(&reader, text, strlen(text));
    cr_assert(json_reader_array(&reader) && json_reader_element(&reader));
    cr_expect_not(json_reader_string(&reader, &value));
    cr_expect_null(value.bytes);
    cr_expect_str_eq(reader.wrong, "an invalid escape in a string");
    cr_expect_not(json_reader_fail(&reader, "another"));
    cr_expect_not(json_reader_raw(&reader, &value));
    cr_expect_null(value.bytes);
    cr_expect_eq(value.size, 0);
    cr_expect_not(json_reader_element(&reader));
    cr_expect_not(json_reader_object(&reader));
    cr_expect_not(json_reader_array(&reader));
    cr_expect_not(json_reader_end(&reader));
    cr_expect_eq(json_reader_peek(&reader), '\0');
    cr_expect_str_eq(reader.wrong, "an invalid escape in a string");
}

/* ---- random bytes ---- */

/* Texts of characters that JSON uses, most of them invalid: nothing may be read beyond the end,
 * which sanitizers check, and what is accepted must stay accepted with blanks around it. */
Test(json_reader, random_texts_are_read_within_their_bounds)
{
    static const char alphabet[] =
        "{}[]\"\\:,u0019dDcC8fe-+.Ett tr ue \xc3\xa9\xf0\x9f\x98\x80\x01";
    uint32_t seed = 12345;
    size_t accepted = 0;
    for (int round = 0; round < 300000; round++) {
        char text[24], padded[26];
        size_t size = 0, wanted = (seed >> 8) % sizeof text;
        for (; size < wanted; size++) {
            seed = seed * 1664525 + 1013904223;
            text[size] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
        }
        seed = seed * 1664525 + 1013904223;
        if (wrong_with(text, size) != NULL)
            continue;
        accepted++;
        padded[0] = ' ';
        memcpy(padded + 1, text, size);
        padded[size + 1] = '\n';
        cr_expect_null(wrong_with(padded, size + 2));
    }
    cr_expect_gt(accepted, 100);
}
