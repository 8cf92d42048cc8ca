/* Tests of the JSON reader: it accepts what RFC 8259 does, and nothing else. */
#include "text/json_reader.h"

#include "base/prng.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(json_reader, .timeout = 20);

/* Whether a text of size bytes is JSON. It stands in memory of exactly that size, so that a
 * sanitizer sees what is read beyond. */
static bool is_json_of(const void *text, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1);
    struct json_reader reader;
    struct json_text value;
    if (size > 0)
        memcpy(copy, text, size);
    json_reader_init(&reader, copy, size);
    bool is_valid = json_reader_raw(&reader, &value) && json_reader_end(&reader);
    free(copy);
    return is_valid;
}

static bool is_json(const char *text)
{
    return is_json_of(text, strlen(text));
}

Test(json_reader, accepts_every_kind_of_value)
{
    static const char *const texts[] = {
        "null",
        "true",
        "false",
        "0",
        "-0",
        "1",
        "-12.50",
        "1e9",
        "1E+9",
        "2.5e-3",
        "123456789012345678901",
        "\"\"",
        "\"a\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"\xc3\xa9\"",
        "\"\xf0\x9f\x98\x80\"",
        "\"\x7f\"",
        "[]",
        "[ ]",
        "[1,2 , 3]",
        "{}",
        "{ \"a\" : [ {} , null ] }",
        " \t\r\n 1 \n",
        "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        cr_expect(is_json(texts[i]), "%s", texts[i]);
}

Test(json_reader, refuses_everything_else)
{
    static const char *const texts[] = {
        "",
        " ",
        "nul",
        "True",
        "nulll",
        "+1",
        "01",
        "-",
        "-01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x10",
        "1 2",
        "NaN",
        "Infinity",
        "\"",
        "\"a",
        "'a'",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\ud83d\"",
        "\"\\ude00\"",
        "\"\\ud83dx\"",
        "\"\\ud83d\\u0041\"",
        "\"\t\"",
        "\"\n\"",
        "\"\xff\"",
        "\"\xc3\"",
        "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"",
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1}",
        "{",
        "}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "{\"a\":1]",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "{}{}",
        "[]1",
        "//",
        "\xef\xbb\xbf{}",
        "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        cr_expect_not(is_json(texts[i]), "%s", texts[i]);
    cr_expect_not(is_json_of("1\0", 2));
    cr_expect_not(is_json_of("\"\0\"", 3));
}

static void expect_string(const char *json, const char *bytes, size_t size)
{
    char text[128];
    struct json_reader reader;
    struct json_text string;
    strcpy(text, json);
    json_reader_init(&reader, text, strlen(json));
    cr_assert(json_reader_string(&reader, &string), "%s: %s", json, reader.wrong);
    cr_assert(json_reader_end(&reader));
    cr_assert_eq(string.size, size, "%s", json);
    cr_assert_arr_eq(string.bytes, bytes, size);
}

Test(json_reader, decodes_strings_in_place)
{
    expect_string("\"\"", "", 0);
    expect_string("\"plain\"", "plain", 5);
    expect_string("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8);
    expect_string("\"a\\u0000b\"", "a\0b", 3);
    expect_string("\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"",
                  "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf", 11);
    expect_string("\"\\ud800\\udc00\\udbff\\udfff\"", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8);
    expect_string("\"\xc3\xa9\\u00E9\"", "\xc3\xa9\xc3\xa9", 4);
}

Test(json_reader, reads_an_object_member_by_member)
{
    char text[] = " { \"a\" : \"x\" , \"b\":[1, {\"c\":2}] , \"list\":[\"y\",\"z\"] } ";
    struct json_reader reader;
    struct json_text name, value;
    json_reader_init(&reader, text, strlen(text));
    cr_assert(json_reader_object(&reader));
    cr_assert(json_reader_member(&reader, &name) && json_text_is(&name, "a"));
    cr_assert(json_reader_string(&reader, &value) && json_text_is(&value, "x"));
    cr_assert(json_reader_member(&reader, &name) && json_text_is(&name, "b"));
    cr_assert(json_reader_raw(&reader, &value) && json_text_is(&value, "[1, {\"c\":2}]"));
    cr_assert(json_reader_member(&reader, &name) && json_text_is(&name, "list"));
    cr_assert_eq(json_reader_peek(&reader), '[');
    cr_assert(json_reader_array(&reader));
    cr_assert(json_reader_element(&reader) && json_reader_string(&reader, &value));
    cr_assert(json_text_is(&value, "y"));
    cr_assert(json_reader_element(&reader) && json_reader_string(&reader, &value));
    cr_assert_not(json_reader_element(&reader));
    cr_assert_not(json_reader_member(&reader, &name));
    cr_assert(json_reader_end(&reader), "%s", reader.wrong);
}

Test(json_reader, reads_empty_objects_and_arrays_in_others)
{
    char text[] = "{\"a\":{},\"b\":[],\"c\":[[],{}]}";
    struct json_reader reader;
    struct json_text name;
    json_reader_init(&reader, text, strlen(text));
    cr_assert(json_reader_object(&reader) && json_reader_member(&reader, &name));
    cr_assert(json_reader_object(&reader));
    cr_assert_not(json_reader_member(&reader, &name));
    cr_assert(json_reader_member(&reader, &name) && json_reader_array(&reader));
    cr_assert_not(json_reader_element(&reader));
    cr_assert(json_reader_member(&reader, &name) && json_reader_array(&reader));
    cr_assert(json_reader_element(&reader) && json_reader_array(&reader));
    cr_assert_not(json_reader_element(&reader));
    cr_assert(json_reader_element(&reader) && json_reader_object(&reader));
    cr_assert_not(json_reader_member(&reader, &name));
    cr_assert_not(json_reader_element(&reader));
    cr_assert_not(json_reader_member(&reader, &name));
    cr_assert(json_reader_end(&reader), "%s", reader.wrong);
}

Test(json_reader, reports_the_first_error_and_its_place)
{
    char text[] = "{\"a\":x}";
    struct json_reader reader;
    struct json_text name, value;
    json_reader_init(&reader, text, strlen(text));
    cr_assert(json_reader_object(&reader) && json_reader_member(&reader, &name));
    cr_assert_not(json_reader_raw(&reader, &value));
    cr_assert_str_eq(reader.wrong, "a value is expected");
    cr_assert_eq(json_reader_column(&reader), 6);
    cr_assert_not(json_reader_member(&reader, &name));
    cr_assert_not(json_reader_fail(&reader, "another one"));
    cr_assert_str_eq(reader.wrong, "a value is expected");
    cr_assert_not(json_reader_end(&reader));
}

/* Texts that are nearly JSON, and bytes of any kind: none is read beyond its end. */
Test(json_reader, survives_random_texts)
{
    static const char parts[] = "{}[]:,\"\\u0dabc9 -.eEtrufalsn\n\x80\xc3\xff";
    struct prng prng;
    char text[64];
    prng_init(&prng, 1);
    for (int i = 0; i < 200000; i++) {
        size_t size = prng_next(&prng) % sizeof text;
        for (size_t k = 0; k < size; k++)
            text[k] =
                i % 4 == 0 ? (char)prng_next(&prng) : parts[prng_next(&prng) % (sizeof parts - 1)];
        is_json_of(text, size);
    }
}
