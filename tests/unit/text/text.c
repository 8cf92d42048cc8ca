#include "text/text.h"

#include <criterion/criterion.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static uint64_t duration(const char *text, uint64_t bare_unit_ms)
{
    uint64_t ms = UINT64_MAX;
    const char *wrong = text_duration(text, bare_unit_ms, &ms);
    cr_assert_null(wrong, "%s: %s", text, wrong);
    return ms;
}

static uint64_t size_of(const char *text)
{
    uint64_t bytes = UINT64_MAX;
    const char *wrong = text_size(text, &bytes);
    cr_assert_null(wrong, "%s: %s", text, wrong);
    return bytes;
}

Test(text, numbers_are_decimal_digits_within_their_range)
{
    uint64_t value = 7;
    cr_assert_null(text_number("0", 0, 9, &value));
    cr_assert_eq(value, 0);
    cr_assert_null(text_number("18446744073709551615", 0, UINT64_MAX, &value));
    cr_assert_eq(value, UINT64_MAX);
    cr_assert_null(text_number("007", 7, 7, &value));
    cr_assert_eq(value, 7);
}

Test(text, a_bad_number_says_why_and_leaves_the_value)
{
    static const struct {
        const char *text, *wrong;
    } BAD[] = {
        {"", "not a number"},
        {"-1", "must not be negative"},
        {"-", "not a number"},
        {"+1", "not a number"},
        {" 1", "not a number"},
        {"1 ", "not a number"},
        {"0x1", "not a number"},
        {"1.5", "not a number"},
        {"4", "too small"},
        {"11", "too large"},
        {"18446744073709551616", "too large"},
        {"99999999999999999999999999", "too large"},
    };
    for (size_t i = 0; i < COUNT(BAD); i++) {
        uint64_t value = 7;
        cr_expect_str_eq(text_number(BAD[i].text, 5, 10, &value), BAD[i].wrong, "%s", BAD[i].text);
        cr_expect_eq(value, 7);
    }
}

Test(text, durations_have_units)
{
    cr_assert_eq(duration("500ms", 0), 500);
    cr_assert_eq(duration("10s", 0), 10000);
    cr_assert_eq(duration("5m", 0), 300000);
    cr_assert_eq(duration("2h", 0), 7200000);
    cr_assert_eq(duration("1d", 0), 86400000);
    cr_assert_eq(duration("0s", 0), 0);
}

Test(text, a_bare_duration_is_refused_or_has_the_unit_of_the_caller)
{
    uint64_t ms;
    cr_assert_not_null(text_duration("10", 0, &ms));
    cr_assert_eq(duration("10", 1000), 10000);
    cr_assert_eq(duration("10ms", 1000), 10);
}

Test(text, bad_durations_are_refused)
{
    static const char *const BAD[] = {
        "",     "s",     "ms",  "10x",  "10S",   "10M",           "10 s",
        "10s ", "1h30m", "-1s", "1.5s", "10mss", "213503982335d", /* 2^64 ms are 213503982334.6 days
                                                                   */
    };
    for (size_t i = 0; i < COUNT(BAD); i++) {
        uint64_t ms;
        cr_expect_not_null(text_duration(BAD[i], 0, &ms), "%s", BAD[i]);
    }
}

Test(text, sizes_are_powers_of_1024_in_either_case)
{
    cr_assert_eq(size_of("0"), 0);
    cr_assert_eq(size_of("2048"), 2048);
    cr_assert_eq(size_of("64k"), 65536);
    cr_assert_eq(size_of("64K"), 65536);
    cr_assert_eq(size_of("4m"), 4 << 20);
    cr_assert_eq(size_of("4M"), 4 << 20);
    cr_assert_eq(size_of("1g"), 1 << 30);
    cr_assert_eq(size_of("1G"), 1 << 30);
}

Test(text, bad_sizes_are_refused)
{
    static const char *const BAD[] = {"", "k", "1kb", "1 k", "1.5m", "-1", "17179869184g"};
    for (size_t i = 0; i < COUNT(BAD); i++) {
        uint64_t bytes;
        cr_expect_not_null(text_size(BAD[i], &bytes), "%s", BAD[i]);
    }
}

Test(text, durations_are_written_in_the_largest_unit_that_divides_them)
{
    static const struct {
        uint64_t ms;
        const char *text;
    } WRITTEN[] = {
        {0, "0ms"},
        {1, "1ms"},
        {1500, "1500ms"},
        {10000, "10s"},
        {60000, "1m"},
        {90000, "90s"},
        {7200000, "2h"},
        {86400000, "1d"},
        {129600000, "36h"},
        {UINT32_MAX, "4294967295ms"},
        {UINT64_MAX, "18446744073709551615ms"},
    };
    for (size_t i = 0; i < COUNT(WRITTEN); i++) {
        char text[24];
        cr_expect_str_eq(text_format_duration(WRITTEN[i].ms, text), WRITTEN[i].text);
        cr_expect_eq(duration(text, 0), WRITTEN[i].ms);
    }
}

Test(text, sizes_are_written_in_the_largest_unit_that_divides_them)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } WRITTEN[] = {
        {0, "0"},
        {1, "1"},
        {2049, "2049"},
        {2048, "2k"},
        {4 << 20, "4m"},
        {1 << 30, "1g"},
        {UINT64_MAX, "18446744073709551615"},
    };
    for (size_t i = 0; i < COUNT(WRITTEN); i++) {
        char text[24];
        cr_expect_str_eq(text_format_size(WRITTEN[i].bytes, text), WRITTEN[i].text);
        cr_expect_eq(size_of(text), WRITTEN[i].bytes);
    }
}

Test(text, escaped_bytes_are_printable_ascii)
{
    char out[64];
    size_t length = text_escape(out, sizeof out, "a\n\t\r\\\"\0\x1b\x7f\xff~ ", 12);
    cr_assert_str_eq(out, "a\\n\\t\\r\\\\\\\"\\x00\\x1b\\x7f\\xff~ ");
    cr_assert_eq(length, strlen(out));
}

Test(text, escaping_nothing_gives_nothing)
{
    char out[4] = "xyz";
    cr_assert_eq(text_escape(out, sizeof out, "", 0), 0);
    cr_assert_str_eq(out, "");
}

Test(text, what_fits_exactly_is_not_cut)
{
    char out[4];
    cr_assert_eq(text_escape(out, 4, "abc", 3), 3);
    cr_assert_str_eq(out, "abc");
    cr_assert_eq(text_escape(out, 4, "abcd", 4), 3);
    cr_assert_str_eq(out, "...");
}

Test(text, escapes_are_cut_whole)
{
    char out[12];
    cr_assert_eq(text_escape(out, sizeof out, "abcdef\xff\xff", 8), 9);
    cr_assert_str_eq(out, "abcdef...");
    cr_assert_eq(text_escape(out, sizeof out, "\xff\xff\xff", 3), 11);
    cr_assert_str_eq(out, "\\xff\\xff...");
}

Test(text, escapes_never_exceed_their_room)
{
    uint8_t bytes[40];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37);
    for (size_t room = 4; room < 4 * sizeof bytes + 2; room++) {
        char out[4 * sizeof bytes + 2];
        memset(out, '#', sizeof out);
        size_t length = text_escape(out, room, bytes, sizeof bytes);
        cr_expect_lt(length, room);
        cr_expect_eq(strlen(out), length);
        for (size_t i = room; i < sizeof out; i++)
            cr_expect_eq(out[i], '#');
    }
}

Test(text, every_byte_is_unescaped_as_it_was_escaped)
{
    for (int i = 0; i < 256; i++) {
        uint8_t byte = (uint8_t)i, back = (uint8_t)~i;
        char out[8];
        size_t length = text_escape(out, sizeof out, &byte, 1);
        if (length == 1)
            continue;
        cr_expect_eq(text_unescape(out + 1, &back), length - 1);
        cr_expect_eq(back, byte);
    }
}

Test(text, what_is_no_escape_is_refused)
{
    static const char *const BAD[] = {"", "q", "0", "x", "x1", "xg0", "x0g", "N"};
    for (size_t i = 0; i < COUNT(BAD); i++) {
        uint8_t byte;
        cr_expect_eq(text_unescape(BAD[i], &byte), 0, "%s", BAD[i]);
    }
}

Test(text, hexadecimal_goes_there_and_back_in_place)
{
    char hex[13];
    text_to_hex(hex, "\x00\x01\x7f\x80\xab\xff", 6);
    cr_assert_str_eq(hex, "00017f80abff");
    cr_assert(text_from_hex((uint8_t *)hex, hex, 12));
    cr_assert_arr_eq(hex, "\x00\x01\x7f\x80\xab\xff", 6);
    uint8_t upper[1];
    cr_assert(text_from_hex(upper, "aF", 2));
    cr_assert_eq(upper[0], 0xaf);
    cr_assert(text_from_hex(upper, "", 0));
}

Test(text, bad_hexadecimal_is_refused)
{
    uint8_t out[2];
    cr_assert_not(text_from_hex(out, "abc", 3));
    cr_assert_not(text_from_hex(out, "0g", 2));
    cr_assert_not(text_from_hex(out, "g0", 2));
    cr_assert_not(text_from_hex(out, "0\0", 2));
    cr_assert_not(text_from_hex(out, " 1", 2));
}

static const char *nearest(const char *word)
{
    static const char *const WORDS[] = {"ttl", "max", "sweep", "receive-buffer", "send-buffer"};
    return text_nearest(word, WORDS, COUNT(WORDS));
}

Test(text, a_word_within_two_edits_is_suggested)
{
    cr_assert_str_eq(nearest("ttl"), "ttl");
    cr_assert_str_eq(nearest("TTL"), "ttl");
    cr_assert_str_eq(nearest("tll"), "ttl");
    cr_assert_str_eq(nearest("tt"), "ttl");
    cr_assert_str_eq(nearest("ttlx"), "ttl");
    cr_assert_str_eq(nearest("swepe"), "sweep");
    cr_assert_str_eq(nearest("recieve-bufer"), "receive-buffer");
    cr_assert_str_eq(nearest("send_buffer"), "send-buffer");
}

Test(text, a_word_further_away_is_not_suggested)
{
    cr_assert_null(nearest("banana"));
    cr_assert_null(nearest("receive"));
    cr_assert_null(nearest(""));
    cr_assert_null(nearest("zq"), "two edits of two letters are another word");
}

Test(text, the_nearest_of_several_wins)
{
    static const char *const WORDS[] = {"rates", "rate", "late"};
    cr_assert_str_eq(text_nearest("rat", WORDS, 3), "rate");
    cr_assert_str_eq(text_nearest("zate", WORDS, 3), "rate", "the first of equals");
}

Test(text, very_long_words_have_no_neighbour)
{
    char word[70000], almost[100];
    const char *const words[] = {almost, "ttl"};
    memset(word, 't', sizeof word);
    word[sizeof word - 1] = '\0';
    memset(almost, 't', sizeof almost);
    almost[sizeof almost - 1] = '\0';
    cr_assert_null(text_nearest(word, words, 2));
    cr_assert_str_eq(text_nearest("tttl", words, 2), "ttl");
}

Test(text, names_a_bad_value_escaped_and_why_it_is_bad)
{
    char text[512], value[400];
    cr_assert_str_eq(text_bad_value(text, sizeof text, "rate", "1\n", "not a number"),
                     "bad rate '1\\n': not a number");
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    text_bad_value(text, sizeof text, "rate", value, "too long");
    cr_assert_not_null(strstr(text, "...': too long"));
}
