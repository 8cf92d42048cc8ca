/* Tests of the parser of RESP2. */
#include "redis/resp_parser.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct resp_parser parser;

static void begin(void)
{
    resp_parser_init(&parser);
}

TestSuite(resp_parser, .init = begin, .timeout = 20);

static void feed(const void *bytes, size_t size)
{
    size_t capacity;
    char *space = resp_parser_space(&parser, &capacity);
    cr_assert_leq(size, capacity);
    memcpy(space, bytes, size);
    resp_parser_add(&parser, size);
}

static void feed_text(const char *text)
{
    feed(text, strlen(text));
}

static struct resp_element expect_kind(enum resp_kind kind)
{
    struct resp_element element = resp_parser_next(&parser);
    cr_assert_eq(element.kind, kind, "kind %d instead of %d: %s", element.kind, kind,
                 parser.wrong != NULL ? parser.wrong : "");
    return element;
}

static void expect_text(enum resp_kind kind, const char *text)
{
    struct resp_element element = expect_kind(kind);
    cr_assert(resp_element_is(&element, text), "%.*s instead of %s", (int)element.size,
              element.bytes, text);
}

Test(resp_parser, takes_each_kind_of_reply)
{
    feed_text("+OK\r\n-ERR no\r\n:-12\r\n$2\r\nab\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n");
    expect_text(RESP_SIMPLE, "OK");
    expect_text(RESP_ERROR, "ERR no");
    cr_assert_eq(expect_kind(RESP_INTEGER).integer, -12);
    expect_text(RESP_BULK, "ab");
    expect_text(RESP_BULK, "");
    expect_kind(RESP_NULL);
    expect_kind(RESP_NULL);
    struct resp_element element = expect_kind(RESP_ARRAY);
    cr_assert_eq(element.integer, 0);
    cr_assert(element.ends_reply);
    expect_kind(RESP_NONE);
}

Test(resp_parser, gives_each_element_its_place)
{
    static const struct {
        unsigned depth;
        uint64_t index;
        bool is_last, ends_reply;
    } places[] = {{0, 0, false, false}, {1, 0, false, false}, {2, 0, false, false},
                  {2, 1, true, false},  {1, 1, false, false}, {1, 2, true, true},
                  {0, 0, false, true}};
    feed_text("*3\r\n*2\r\n:1\r\n:2\r\n*0\r\n$1\r\nx\r\n+OK\r\n");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct resp_element element = resp_parser_next(&parser);
        cr_expect_eq(element.depth, places[i].depth, "depth of %zu", i);
        cr_expect_eq(element.index, places[i].index, "index of %zu", i);
        cr_expect_eq(element.is_last, places[i].is_last, "last of %zu", i);
        cr_expect_eq(element.ends_reply, places[i].ends_reply, "end of %zu", i);
    }
}

Test(resp_parser, the_same_elements_come_from_any_pieces)
{
    static const char reply[] = "*2\r\n$3\r\na\r\n\r\n*2\r\n-E\r\n:7\r\n+x\r\n";
    static const enum resp_kind kinds[] = {RESP_ARRAY, RESP_BULK,    RESP_ARRAY,
                                           RESP_ERROR, RESP_INTEGER, RESP_SIMPLE};
    for (size_t piece = 1; piece < sizeof reply; piece++) {
        size_t found = 0;
        resp_parser_init(&parser);
        for (size_t at = 0; at < sizeof reply - 1; at += piece) {
            size_t rest = sizeof reply - 1 - at;
            feed(reply + at, rest < piece ? rest : piece);
            for (struct resp_element element;
                 (element = resp_parser_next(&parser)).kind != RESP_NONE; found++)
                cr_assert_eq(element.kind, kinds[found], "element %zu in pieces of %zu", found,
                             piece);
        }
        cr_assert_eq(found, sizeof kinds / sizeof *kinds, "in pieces of %zu", piece);
    }
}

Test(resp_parser, a_bulk_string_may_have_any_bytes)
{
    feed("$6\r\n\0\r\n\xff$1\r\n", 12);
    struct resp_element element = expect_kind(RESP_BULK);
    cr_assert_eq(element.size, 6);
    cr_assert_arr_eq(element.bytes, "\0\r\n\xff$1", 6);
}

static void feed_bulk(size_t size)
{
    char head[32];
    static char bytes[RESP_BULK_BYTES_MAX + 4096];
    memset(bytes, 'b', sizeof bytes);
    feed(head, (size_t)snprintf(head, sizeof head, "$%zu\r\n", size));
    while (size > 0) {
        size_t piece = size < 60000 ? size : 60000;
        expect_kind(RESP_NONE);
        feed(bytes, piece);
        size -= piece;
    }
    expect_kind(RESP_NONE);
    feed_text("\r\n");
}

Test(resp_parser, a_bulk_string_of_the_maximum_is_kept)
{
    feed_bulk(RESP_BULK_BYTES_MAX);
    struct resp_element element = expect_kind(RESP_BULK);
    cr_assert_eq(element.size, RESP_BULK_BYTES_MAX);
    cr_assert_eq(element.bytes[RESP_BULK_BYTES_MAX - 1], 'b');
}

Test(resp_parser, a_longer_bulk_string_is_skipped_and_what_follows_is_not)
{
    feed_text("*2\r\n");
    expect_kind(RESP_ARRAY);
    feed_bulk(3 * RESP_BULK_BYTES_MAX + 1);
    struct resp_element element = expect_kind(RESP_BULK);
    cr_assert_eq(element.size, 3 * RESP_BULK_BYTES_MAX + 1);
    cr_assert_null(element.bytes);
    cr_assert_not(element.ends_reply);
    feed_text(":5\r\n");
    cr_assert(expect_kind(RESP_INTEGER).ends_reply);
}

Test(resp_parser, refuses_what_is_not_resp2)
{
    static const char *const inputs[] = {
        "HTTP/1.1 400 Bad Request\r\n",
        "\r\n",
        "+OK\n",
        "\n",
        ":\r\n",
        ":-\r\n",
        ":1x\r\n",
        ":9223372036854775808\r\n",
        ":99999999999999999999999\r\n",
        "$-2\r\n",
        "*-2\r\n",
        "$x\r\n",
        "$536870913\r\n",
        "*1048577\r\n",
        "$1\r\nxyz",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
        "%1\r\n",
    };
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        struct resp_element element;
        resp_parser_init(&parser);
        feed_text(inputs[i]);
        while ((element = resp_parser_next(&parser)).kind == RESP_ARRAY)
            ;
        cr_expect_eq(element.kind, RESP_INVALID, "input %zu", i);
        cr_expect_not_null(parser.wrong, "input %zu", i);
        cr_expect_eq(resp_parser_next(&parser).kind, RESP_INVALID, "input %zu", i);
    }
}

Test(resp_parser, takes_the_numbers_at_the_limits)
{
    feed_text(":9223372036854775807\r\n:-9223372036854775808\r\n:+1\r\n");
    cr_assert_eq(expect_kind(RESP_INTEGER).integer, INT64_MAX);
    cr_assert_eq(expect_kind(RESP_INTEGER).integer, INT64_MIN);
    cr_assert_eq(expect_kind(RESP_INTEGER).integer, 1);
}

Test(resp_parser, a_line_without_end_is_refused_at_the_limit)
{
    char bytes[1024];
    memset(bytes, 'x', sizeof bytes);
    feed_text("+");
    for (size_t size = 0; size < RESP_LINE_BYTES_MAX; size += sizeof bytes) {
        expect_kind(RESP_NONE);
        feed(bytes, sizeof bytes);
    }
    expect_kind(RESP_INVALID);
}
