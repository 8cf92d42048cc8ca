/* Tests of text/text_buffer: a text that grows. */
#include "text/text_buffer.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct text_buffer buffer;

static void release(void)
{
    text_buffer_free(&buffer);
}

TestSuite(text_buffer, .fini = release);

static void expect(const char *expected)
{
    cr_assert_not(buffer.failed);
    cr_assert_eq(buffer.size, strlen(expected));
    cr_assert_arr_eq(buffer.bytes, expected, buffer.size);
}

Test(text_buffer, texts_follow_each_other)
{
    text_buffer_add(&buffer, "a");
    text_buffer_format(&buffer, "%d-%s", 7, "b");
    text_buffer_add_bytes(&buffer, "c\0d", 3);
    cr_assert_eq(buffer.size, 7);
    cr_assert_arr_eq(buffer.bytes, "a7-bc\0d", 7);
}

Test(text_buffer, an_empty_text_adds_nothing)
{
    text_buffer_add(&buffer, "");
    text_buffer_format(&buffer, "%s", "");
    cr_assert_eq(buffer.size, 0);
    cr_assert_not(buffer.failed);
}

Test(text_buffer, it_grows_to_what_is_added)
{
    char *expected = calloc(1, 100001);
    for (size_t i = 0; i < 10000; i++) {
        text_buffer_format(&buffer, "%09zu,", i);
        sprintf(expected + 10 * i, "%09zu,", i);
    }
    expect(expected);
    free(expected);
}

Test(text_buffer, a_long_formatted_text_is_whole)
{
    char text[20001];
    memset(text, 'x', 20000);
    text[20000] = '\0';
    text_buffer_add(&buffer, "a");
    text_buffer_format(&buffer, "%s!", text);
    cr_assert_eq(buffer.size, 20002);
    cr_assert_eq(buffer.bytes[20000], 'x');
    cr_assert_eq(buffer.bytes[20001], '!');
}

Test(text_buffer, a_text_that_is_too_long_fails_and_keeps_what_it_has)
{
    char *half = calloc(1, TEXT_BUFFER_BYTES_MAX);
    text_buffer_add(&buffer, "a");
    text_buffer_add_bytes(&buffer, half, TEXT_BUFFER_BYTES_MAX);
    cr_assert(buffer.failed);
    text_buffer_add(&buffer, "b");
    text_buffer_format(&buffer, "c");
    cr_assert_eq(buffer.size, 1);
    cr_assert_eq(buffer.bytes[0], 'a');
    free(half);
}

Test(text_buffer, a_string_of_json_is_escaped)
{
    text_buffer_add_json(&buffer, "a\"\n<", 4);
    expect("\"a\\\"\\n<\"");
}

Test(text_buffer, an_empty_string_of_json_has_its_quotes)
{
    text_buffer_add_json(&buffer, "", 0);
    expect("\"\"");
}
