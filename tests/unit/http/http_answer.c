/* Tests of http/http_answer: the head of an answer. */
#include "http/http_answer.h"

#include <criterion/criterion.h>
#include <string.h>

static struct text_buffer text;

static void release(void)
{
    text_buffer_free(&text);
}

TestSuite(http_answer, .fini = release);

#define BASIC                                 \
    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" \
    "Content-Type: text/plain\r\n"            \
    "Content-Length: 12\r\n"                  \
    "Cache-Control: no-store\r\n"             \
    "X-Content-Type-Options: nosniff\r\n"

static void expect(const char *expected)
{
    text_buffer_add_bytes(&text, "", 1);
    cr_assert_str_eq(text.bytes, expected);
}

Test(http_answer, a_head_ends_with_an_empty_line)
{
    const struct http_answer answer = {
        .status = 200, .type = "text/plain", .length = 12, .wall_ms = 784111777000};
    http_answer_add_head(&text, &answer);
    expect("HTTP/1.1 200 OK\r\n" BASIC "\r\n");
}

Test(http_answer, further_fields_and_the_connection_follow)
{
    const struct http_answer answer = {.status = 405,
                                       .type = "text/plain",
                                       .length = 12,
                                       .fields = "Allow: GET, HEAD\r\n",
                                       .connection = "close",
                                       .wall_ms = 784111777000};
    http_answer_add_head(&text, &answer);
    expect("HTTP/1.1 405 Method Not Allowed\r\n" BASIC "Allow: GET, HEAD\r\n"
           "Connection: close\r\n\r\n");
}

Test(http_answer, each_status_has_its_reason)
{
    cr_expect_str_eq(http_answer_reason(200), "OK");
    cr_expect_str_eq(http_answer_reason(505), "HTTP Version Not Supported");
    cr_expect_str_eq(http_answer_reason(299), "Unknown");
}
