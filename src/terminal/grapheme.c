#include "terminal/grapheme.h"

#include "text/character_width.h"
#include "text/printable.h"
#include "text/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    INVALID = 0x200000, /* greater than every code point */
    JOINER = 0x200d,    /* ZWJ */
    EMOJI_SELECTOR = 0xfe0f,
};

#define JOINER_BYTES  "\xe2\x80\x8d"
#define DOTTED_CIRCLE "\xe2\x97\x8c" /* U+25CC: where Unicode shows combining characters */

/* An invalid byte becomes a code of its own, which is not printable. */
static size_t decode(const char *text, size_t size, uint32_t *code)
{
    size_t length = utf8_decode(text, size, code);
    if (length)
        return length;
    *code = INVALID | (unsigned char)*text;
    return 1;
}

static bool is_combining(uint32_t code)
{
    return code < INVALID && character_width_of(code) == 0 && printable_is_safe(code);
}

static bool is_printable(uint32_t code)
{
    return code < INVALID && printable_is_safe(code);
}

/* Writes the escape of an unprintable code point; returns its length. Four digits are enough, since
 * all code points beyond U+FFFF are printable. */
static unsigned escape(char out[GRAPHEME_COLUMNS_MAX + 1], uint32_t code)
{
    char symbol = printable_short_escape(code);
    if (symbol)
        return (unsigned)snprintf(out, GRAPHEME_COLUMNS_MAX + 1, "\\%c", symbol);
    return (unsigned)snprintf(out, GRAPHEME_COLUMNS_MAX + 1,
                              code < 0x80 || code >= INVALID ? "\\x%02x" : "\\u%04x",
                              (unsigned)code & (code >= INVALID ? 0xff : 0xffff));
}

/* ---- Segmentation ---- */

static bool is_indicator(uint32_t code)
{
    return code >= 0x1f1e6 && code <= 0x1f1ff;
}

static bool is_tone(uint32_t code)
{
    return code >= 0x1f3fb && code <= 0x1f3ff;
}

/* With U+FE0F, digits, # and * become keycaps, and other symbols become emoji. */
static bool may_become_emoji(uint32_t code)
{
    return character_width_is_pictograph(code) || (code >= '0' && code <= '9') || code == '#' ||
           code == '*';
}

/* Returns whether next continues the grapheme that begins with base and so far ends in last (UAX
 * 29, GB9, GB11, GB12; a skin tone continues only an emoji, and is an emoji of its own after
 * anything else). only_base: the grapheme has one code point so far. */
static bool continues(uint32_t base, uint32_t last, bool only_base, uint32_t next)
{
    if (is_combining(next))
        return true;
    if (is_indicator(base))
        return only_base && is_indicator(next);
    if (!character_width_is_pictograph(base))
        return false;
    return is_tone(next) || (last == JOINER && character_width_is_pictograph(next));
}

/* Updates the width for code, which continues the grapheme. */
static void add_code(struct grapheme *grapheme, uint32_t base, uint32_t code)
{
    bool widens = code == EMOJI_SELECTOR && grapheme->columns == 1 && may_become_emoji(base);
    if (widens)
        grapheme->columns = 2;
    grapheme->uncertain_width =
        grapheme->uncertain_width || widens || code == JOINER || character_width_of(code) > 0;
}

struct grapheme grapheme_first(const char *text, size_t size)
{
    uint32_t base = 0, last, next;
    char escaped[GRAPHEME_COLUMNS_MAX + 1];
    struct grapheme grapheme = {.size = decode(text, size, &base)};
    if (!is_printable(base)) {
        grapheme.escaped = true;
        grapheme.columns = escape(escaped, base);
        return grapheme;
    }
    unsigned columns = is_indicator(base) ? 2 : character_width_of(base);
    grapheme.columns = columns ? columns : 1;
    grapheme.uncertain_width = is_indicator(base) || is_tone(base);
    last = base;
    for (size_t length, first = grapheme.size; grapheme.size < size;
         grapheme.size += length, last = next) {
        length = decode(text + grapheme.size, size - grapheme.size, &next);
        if (!continues(base, last, grapheme.size == first, next))
            break;
        add_code(&grapheme, base, next);
    }
    return grapheme;
}

static size_t code_before(const char *text, size_t position)
{
    do
        position--;
    while (position && ((unsigned char)text[position] & 0xc0) == 0x80);
    return position;
}

/* Returns an offset before position where a grapheme begins whatever precedes it. */
static size_t certain_begin_before(const char *text, size_t position)
{
    for (size_t end = position; position;) {
        uint32_t code, before = 0;
        position = code_before(text, position);
        decode(text + position, end - position, &code);
        if (position)
            decode(text + code_before(text, position), end - code_before(text, position), &before);
        bool by_joiner = before == JOINER && character_width_is_pictograph(code);
        if (!is_combining(code) && !is_indicator(code) && !is_tone(code) && !by_joiner)
            break;
    }
    return position;
}

size_t grapheme_before(const char *text, size_t position)
{
    size_t begin = certain_begin_before(text, position);
    for (;;) {
        size_t size = grapheme_first(text + begin, position - begin).size;
        if (begin + size >= position)
            return begin;
        begin += size;
    }
}

/* ---- Drawing ---- */

size_t grapheme_draw(char out[GRAPHEME_DRAW_BYTES], const char *text, struct grapheme grapheme,
                     size_t max_columns)
{
    uint32_t code = 0;
    size_t written = 0, columns = 0, length;
    decode(text, grapheme.size, &code);
    if (grapheme.escaped) {
        char escaped[GRAPHEME_COLUMNS_MAX + 1];
        size_t size = escape(escaped, code);
        memcpy(out, "\x1b[7m", 4);
        memcpy(out + 4, escaped, size);
        memcpy(out + 4 + size, "\x1b[27m", 5);
        return size + 9;
    }
    int codes_max = 1 + (grapheme.columns == 2 ? GRAPHEME_WIDE_JOINED_MAX : GRAPHEME_JOINED_MAX);
    if (is_combining(code)) {
        memcpy(out, DOTTED_CIRCLE, 3);
        written = 3;
        columns = 1;
        codes_max--;
    }
    for (size_t at = 0; at < grapheme.size && codes_max > 0; at += length, codes_max--) {
        length = decode(text + at, grapheme.size - at, &code);
        columns += character_width_of(code);
        if (columns > max_columns)
            break;
        memcpy(out + written, text + at, length);
        written += length;
    }
    /* After a ZWJ some terminals join whatever they receive next, even at another position. */
    while (grapheme.uncertain_width && written > 3 &&
           memcmp(out + written - 3, JOINER_BYTES, 3) == 0)
        written -= 3;
    return written;
}

unsigned grapheme_columns_to_clear(const char *text, struct grapheme grapheme)
{
    uint32_t code = 0;
    decode(text, grapheme.size, &code);
    return grapheme.uncertain_width && character_width_of(code) < grapheme.columns
               ? grapheme.columns
               : 0;
}

size_t grapheme_text_columns(const char *text, size_t size)
{
    size_t columns = 0;
    for (size_t at = 0; at < size;) {
        struct grapheme grapheme = grapheme_first(text + at, size - at);
        columns += grapheme.columns;
        at += grapheme.size;
    }
    return columns;
}
