/* Tests of a read of a stream: the commands, and the replies. */
#include "redis/stream_read.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(stream_read, .timeout = 20);

static struct resp_parser parser;
static struct stream_read reading;
static char entries[1024]; /* "ID=PAYLOAD " of each, with ! for one that is wrong */

#define QUEUED "+OK\r\n+QUEUED\r\n+QUEUED\r\n"
#define INFO                                                                               \
    "*14\r\n$6\r\nlength\r\n:2\r\n$15\r\nradix-tree-keys\r\n:1\r\n$17\r\nlast-generated-"  \
    "id\r\n$3\r\n7-1\r\n$13\r\nentries-added\r\n:9\r\n$6\r\ngroups\r\n:0\r\n$11\r\nfirst-" \
    "entry\r\n*2\r\n$3\r\n5-0\r\n*2\r\n$7\r\npayload\r\n$1\r\na\r\n$10\r\nlast-entry\r\n*-1\r\n"
#define TWO_ENTRIES                                                                           \
    "*1\r\n*2\r\n$6\r\norders\r\n*2\r\n*2\r\n$3\r\n5-0\r\n*4\r\n$1\r\nx\r\n$1\r\ny\r\n$7\r\n" \
    "payload\r\n$1\r\na\r\n*2\r\n$3\r\n7-1\r\n*2\r\n$4\r\ntext\r\n$1\r\nb\r\n"

/* Takes replies in pieces of that size. Returns the last result. */
static enum stream_read_result take(const char *replies, size_t piece)
{
    enum stream_read_result result = STREAM_READ_MORE;
    size_t size = strlen(replies), used = 0;
    entries[0] = '\0';
    resp_parser_init(&parser);
    stream_read_begin(&reading);
    for (size_t at = 0; at < size; at += piece) {
        size_t capacity, rest = size - at;
        char *space = resp_parser_space(&parser, &capacity);
        memcpy(space, replies + at, rest < piece ? rest : piece);
        resp_parser_add(&parser, rest < piece ? rest : piece);
        for (struct resp_element element;
             (element = resp_parser_next(&parser)).kind != RESP_NONE;) {
            char id[ENTRY_ID_TEXT_BYTES];
            cr_assert_neq(element.kind, RESP_INVALID, "%s", parser.wrong);
            cr_assert_not(reading.is_done);
            result = stream_read_take(&reading, &element);
            if (result == STREAM_READ_INVALID)
                return result;
            if (result == STREAM_READ_ENTRY)
                used += (size_t)snprintf(
                    entries + used, sizeof entries - used, "%s=%s%.*s ",
                    entry_id_format(&reading.entry.id, id), reading.entry.wrong != NULL ? "!" : "",
                    (int)reading.entry.payload_size, (const char *)reading.entry.payload);
        }
    }
    return result;
}

Test(stream_read, writes_a_transaction)
{
    static const char commands[] =
        "*1\r\n$5\r\nMULTI\r\n*3\r\n$5\r\nXINFO\r\n$6\r\nSTREAM\r\n$6\r\norders\r\n*6\r\n$5\r\n"
        "XREAD\r\n$5\r\nCOUNT\r\n$2\r\n64\r\n$7\r\nSTREAMS\r\n$6\r\norders\r\n$3\r\n5-1\r\n*1\r\n"
        "$4\r\nEXEC\r\n";
    struct text_buffer out = {0};
    stream_read_command(&out, "orders", &(struct entry_id){5, 1}, 64);
    cr_expect_eq(out.size, strlen(commands));
    cr_expect_arr_eq(out.bytes, commands, strlen(commands));
    text_buffer_free(&out);
}

Test(stream_read, writes_a_command_that_waits)
{
    static const char command[] =
        "*8\r\n$5\r\nXREAD\r\n$5\r\nCOUNT\r\n$1\r\n1\r\n$5\r\nBLOCK\r\n$4\r\n1000\r\n$7\r\nSTREAMS"
        "\r\n$1\r\ns\r\n$3\r\n0-0\r\n";
    struct text_buffer out = {0};
    stream_read_wait_command(&out, "s", &(struct entry_id){0, 0}, 1000);
    cr_expect_eq(out.size, strlen(command));
    cr_expect_arr_eq(out.bytes, command, strlen(command));
    text_buffer_free(&out);
}

Test(stream_read, takes_the_state_of_the_stream_and_the_entries_from_any_pieces)
{
    static const char replies[] = QUEUED "*2\r\n" INFO TWO_ENTRIES;
    for (size_t piece = 1; piece < sizeof replies; piece++) {
        cr_assert_eq(take(replies, piece), STREAM_READ_ENTRY);
        cr_assert(reading.is_done);
        cr_assert_eq(reading.count, 2);
        cr_assert_str_eq(entries, "5-0=a 7-1=! ");
        cr_assert_eq(reading.info.length, 2);
        cr_assert_eq(reading.info.entries_added, 9);
        cr_assert_eq(reading.info.last_generated.ms, 7);
        cr_assert_eq(reading.info.last_generated.sequence, 1);
        cr_assert_eq(reading.info.first.ms, 5);
    }
}

Test(stream_read, takes_a_stream_without_a_further_entry)
{
    cr_expect_eq(take(QUEUED "*2\r\n" INFO "*-1\r\n", 100), STREAM_READ_DONE);
    cr_expect(reading.is_done);
    cr_expect_eq(reading.count, 0);
    cr_expect_eq(reading.info.entries_added, 9);
}

Test(stream_read, a_key_that_does_not_exist_is_an_empty_stream)
{
    cr_expect_eq(take(QUEUED "*2\r\n-ERR no such key\r\n*-1\r\n", 100), STREAM_READ_DONE);
    cr_expect_eq(reading.info.entries_added, 0);
    cr_expect_eq(reading.info.last_generated.ms, 0);
}

static void expect_refused(const char *replies, const char *error)
{
    cr_expect_eq(take(replies, 7), STREAM_READ_REFUSED, "%s", error);
    cr_expect(reading.is_done);
    cr_expect_str_eq(reading.error, error);
}

Test(stream_read, keeps_the_first_error_of_redis)
{
    expect_refused(QUEUED "*2\r\n-WRONGTYPE not a stream\r\n-WRONGTYPE again\r\n",
                   "WRONGTYPE not a stream");
    expect_refused("+OK\r\n-NOPERM no permissions\r\n+QUEUED\r\n-EXECABORT discarded\r\n",
                   "NOPERM no permissions");
    /* MULTI is not permitted: the others are answered at once. */
    expect_refused("-NOPERM MULTI\r\n" INFO TWO_ENTRIES "-ERR EXEC without MULTI\r\n",
                   "NOPERM MULTI");
    expect_refused(QUEUED "-LOADING Redis is loading\r\n", "LOADING Redis is loading");
}

Test(stream_read, a_redis_without_entries_added_is_too_old)
{
    cr_expect_eq(take(QUEUED "*2\r\n*6\r\n$6\r\nlength\r\n:2\r\n$17\r\nlast-generated-id\r\n$3\r\n"
                             "7-1\r\n$11\r\nfirst-entry\r\n*-1\r\n" TWO_ENTRIES,
                      100),
                 STREAM_READ_REFUSED);
    cr_expect_not_null(strstr(reading.error, "older than Redis 7.0"));
    cr_expect_str_eq(entries, "");
}

Test(stream_read, refuses_replies_of_another_form)
{
    static const char *const replies[] = {
        QUEUED "+OK\r\n",
        QUEUED "*-1\r\n",
        QUEUED "*3\r\n",
        QUEUED "*2\r\n:1\r\n",
        QUEUED "*2\r\n*2\r\n$6\r\nlength\r\n$1\r\n1\r\n*-1\r\n",
        QUEUED "*2\r\n*2\r\n$6\r\nlength\r\n:-1\r\n*-1\r\n",
        QUEUED "*2\r\n*2\r\n$6\r\nlength\r\n:1\r\n*-1\r\n",
        QUEUED "*2\r\n*2\r\n$17\r\nlast-generated-id\r\n$1\r\nx\r\n*-1\r\n",
        QUEUED "*2\r\n*2\r\n$11\r\nfirst-entry\r\n*1\r\n$1\r\nx\r\n*-1\r\n",
        QUEUED "*2\r\n" INFO ":1\r\n",
        QUEUED "*2\r\n" INFO "*1\r\n:1\r\n",
        QUEUED "*2\r\n" INFO "*1\r\n*2\r\n:1\r\n",
        QUEUED "*2\r\n" INFO "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n$3\r\n1-1\r\n",
        QUEUED "*2\r\n" INFO "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$1\r\nx\r\n",
        QUEUED "*2\r\n" INFO "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*1\r\n$3\r\n1-1\r\n",
        QUEUED "*2\r\n" INFO "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n$1\r\nx\r\n",
        QUEUED "*2\r\n" INFO "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*1\r\n$1\r\nx\r\n",
        QUEUED "*2\r\n" INFO "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n*0\r\n",
    };
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        cr_expect_eq(take(replies[i], 1000), STREAM_READ_INVALID, "replies %zu", i);
        cr_expect_not_null(reading.wrong, "replies %zu", i);
    }
}
