#include "code_points_fixture.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* RFC 3629, section 3; what it forbids, too. */
static size_t encode(char *out, uint32_t code)
{
    unsigned more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned lead[] = {0, 0xc0, 0xe0, 0xf0};
    for (unsigned i = more; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(lead[more] | code);
    return more + 1;
}

/* RFC 3629, section 4: the length of a sequence by its first two bytes, 0 if it is none. */
static size_t sequence(const char *text, size_t size)
{
    static const struct {
        unsigned first, last, second_first, second_last, length;
    } forms[] = {
        {0x00, 0x7f, 0x00, 0xff, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    const unsigned char *bytes = (const unsigned char *)text;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (bytes[0] < forms[i].first || bytes[0] > forms[i].last)
            continue;
        bool whole = size >= forms[i].length;
        if (whole && forms[i].length > 1)
            whole = bytes[1] >= forms[i].second_first && bytes[1] <= forms[i].second_last;
        for (size_t k = 2; whole && k < forms[i].length; k++)
            whole = bytes[k] >= 0x80 && bytes[k] <= 0xbf;
        return whole ? forms[i].length : 0;
    }
    return 0;
}

/* What steers a terminal, turns text round (UAX 9), or hides: Unicode, categories Cc, Zl and Zp,
 * and of Cf what has no picture of its own. */
static bool is_hidden(const char *text, size_t length)
{
    static const char *const hidden[] = {
        "\u200b", "\u200e", "\u200f", "\u061c", "\u2028", "\u2029", "\u202a", "\u202b", "\u202c",
        "\u202d", "\u202e", "\u2060", "\u2066", "\u2067", "\u2068", "\u2069", "\ufeff",
    };
    if (length == 1)
        return (unsigned char)*text < 0x20 || *text == 0x7f;
    if (length == 2 && text[0] == '\xc2' && (unsigned char)text[1] < 0xa0)
        return true;
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (strlen(hidden[i]) == length && memcmp(hidden[i], text, length) == 0)
            return true;
    return false;
}

/* Takes one character that was printed as it is. */
static size_t take_shown(char *out, const char *text, size_t size)
{
    size_t length = sequence(text, size);
    cr_assert_gt(length, 0, "a printed byte that isn't UTF-8: %02x", (unsigned char)*text);
    cr_assert_not(is_hidden(text, length), "it was printed as it is: %.*s", (int)length, text);
    memcpy(out, text, length);
    return length;
}

static uint32_t digits(const char *text, size_t size, size_t count)
{
    char number[8] = "", *end;
    cr_assert_leq(count, size);
    memcpy(number, text, count);
    uint32_t value = (uint32_t)strtoul(number, &end, 16);
    cr_assert_eq(end, number + count, "no %zu digits: %s", count, number);
    return value;
}

size_t code_points_unescape(char out[DECODED_BYTES], const char *text, size_t size)
{
    static const char letters[] = "n\nr\rt\t\\\\\"\"";
    size_t length = 0;
    for (size_t at = 0; at < size;) {
        cr_assert_lt(length, DECODED_BYTES - 8);
        if (text[at] != '\\') {
            size_t shown = take_shown(out + length, text + at, size - at);
            length += shown;
            at += shown;
            continue;
        }
        cr_assert_lt(at + 1, size);
        if (text[at + 1] == 'x') {
            out[length++] = (char)digits(text + at + 2, size - at - 2, 2);
            at += 4;
            continue;
        }
        const char *letter = strchr(letters, text[at + 1]);
        cr_assert_not_null(letter, "no escape: %.2s", text + at);
        out[length++] = letter[1];
        at += 2;
    }
    return length;
}

/* Takes \uNNNN, or two of them for a pair of surrogates (RFC 8259, section 7). */
static size_t take_units(char *out, size_t *length, const char *text, size_t size)
{
    uint32_t code = digits(text + 2, size - 2, 4);
    size_t taken = 6;
    if (code >= 0xd800 && code <= 0xdbff) {
        cr_assert_eq(strncmp(text + 6, "\\u", 2), 0);
        uint32_t low = digits(text + 8, size - 8, 4);
        cr_assert(low >= 0xdc00 && low <= 0xdfff);
        code = 0x10000 + ((code - 0xd800) << 10 | (low - 0xdc00));
        taken = 12;
    }
    cr_assert_not(code >= 0xdc00 && code <= 0xdfff);
    *length += encode(out + *length, code);
    return taken;
}

static size_t unjson(char out[DECODED_BYTES], const char *text, size_t size)
{
    static const char letters[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
    size_t length = 0;
    for (size_t at = 0; at < size;) {
        cr_assert_lt(length, DECODED_BYTES - 8);
        cr_assert_neq(text[at], '"', "it ends the string");
        if (text[at] != '\\') {
            size_t shown = take_shown(out + length, text + at, size - at);
            length += shown;
            at += shown;
        } else if (text[at + 1] == 'u') {
            at += take_units(out, &length, text + at, size - at);
        } else {
            const char *letter = text[at + 1] ? strchr(letters, text[at + 1]) : NULL;
            cr_assert_not_null(letter, "no escape: %.2s", text + at);
            out[length++] = letter[1];
            at += 2;
        }
    }
    return length;
}

size_t code_points_unhtml(char out[DECODED_BYTES], const char *text, size_t size)
{
    static const struct {
        const char *entity;
        char c;
    } entities[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&#39;", '\''}};
    size_t length = 0;
    for (size_t at = 0; at < size;) {
        size_t i = 0, count = sizeof entities / sizeof *entities;
        cr_assert_lt(length, DECODED_BYTES);
        cr_assert_null(strchr("<>\"'", text[at]), "it ends the text: %c", text[at]);
        while (i < count && strncmp(text + at, entities[i].entity, strlen(entities[i].entity)) != 0)
            i++;
        cr_assert(i < count || text[at] != '&');
        out[length++] = i < count ? entities[i].c : text[at];
        at += i < count ? strlen(entities[i].entity) : 1;
    }
    return length;
}

size_t code_points_replace(char out[DECODED_BYTES], const char *text, size_t size)
{
    size_t length = 0;
    for (size_t at = 0; at < size;) {
        size_t valid = sequence(text + at, size - at);
        cr_assert_lt(length, DECODED_BYTES - 8);
        memcpy(out + length, valid ? text + at : "\xef\xbf\xbd", valid ? valid : 3);
        length += valid ? valid : 3;
        at += valid ? valid : 1;
    }
    return length;
}

void code_points_expect_same(const char *got, size_t got_size, const char *piece, size_t size)
{
    cr_assert_eq(got_size, size, "%zu bytes, not %zu, of %s", got_size, size, piece);
    cr_assert_eq(memcmp(got, piece, size), 0, "it became %.*s: %s", (int)got_size, got, piece);
}

void code_points_expect_escaped(const char *printed, size_t printed_size, const char *piece,
                                size_t size)
{
    char decoded[DECODED_BYTES];
    size_t length = code_points_unescape(decoded, printed, printed_size);
    code_points_expect_same(decoded, length, piece, size);
}

/* A backslash that begins no escape is doubled before it is read back. */
void code_points_expect_line(const char *printed, const char *piece, size_t size)
{
    char doubled[DECODED_BYTES];
    size_t length = 0;
    for (const char *at = printed; *at; at++) {
        cr_assert_lt(length, DECODED_BYTES - 2);
        doubled[length++] = *at;
        if (*at == '\\' && !strchr("nrtx", at[1] ? at[1] : ' '))
            doubled[length++] = '\\';
    }
    code_points_expect_escaped(doubled, length, piece, size);
}

void code_points_expect_json(const char *printed, size_t printed_size, const char *piece,
                             size_t size)
{
    char decoded[DECODED_BYTES], replaced[DECODED_BYTES];
    size_t length = unjson(decoded, printed, printed_size);
    code_points_expect_same(decoded, length, replaced, code_points_replace(replaced, piece, size));
}

static void visit_wrong(void (*visit)(const char *piece, size_t size))
{
    static const char *const wrong[] = {
        "\xc0\x80"
        "1",
        "\xc1\xbf"
        "1",
        "\xe0\x80\x8a"
        "1",
        "\xf0\x80\x80\x8a"
        "1", /* overlong */
        "\xf4\x90\x80\x80"
        "1",
        "\xf7\xbf\xbf\xbf"
        "1",
        "\xf8\x88\x80\x80\x80"
        "1", /* beyond */
        "\xc3"
        "1",
        "\xe4\xb8"
        "1",
        "\xf0\x9f\x91"
        "1",
        "\xe4\xb8\\",
        "\xf0\x9f\"", /* cut short */
        "\xc3",
        "\xe4\xb8",
        "\xf0\x9f\x91",
        "\xe2\x80\xe2\x80\x8d"
        "1",
    };
    for (unsigned byte = 0x80; byte < 0x100; byte++)
        visit((char[]){'a', (char)byte, '1', (char)byte, '\0'}, 4);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        visit(wrong[i], strlen(wrong[i]));
}

void code_points_each(void (*visit)(const char *piece, size_t size))
{
    char piece[PIECE_BYTES];
    for (uint32_t first = 0; first < 0x110000; first += PIECE_CODES) {
        size_t size = 0;
        for (uint32_t code = first; code < first + PIECE_CODES; code++) {
            if (code == 0)
                continue;
            size += encode(piece + size, code);
            piece[size++] = (char)('0' + code % 10);
        }
        piece[size] = '\0';
        visit(piece, size);
    }
    visit_wrong(visit);
}
