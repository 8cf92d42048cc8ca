/* Characters as people see them, and how a terminal shows them. */
#include "terminal/glyph.h"

#include "text/character_width.h"
#include "text/printable.h"
#include "text/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    BROKEN = 0x200000, /* beyond every code point */
    JOINER = 0x200d,   /* ZWJ */
    PICTURE_SELECTOR = 0xfe0f,
};

#define JOINER_BYTES  "\xe2\x80\x8d"
#define DOTTED_CIRCLE "\xe2\x97\x8c" /* U+25CC: what Unicode shows such characters on */

/* A byte that is no UTF-8 stands for itself, as a code that never shows. */
static size_t decode(const char *text, size_t size, uint32_t *code)
{
    size_t length = utf8_decode(text, size, code);
    if (length)
        return length;
    *code = BROKEN | (unsigned char)*text;
    return 1;
}

static bool joins(uint32_t code)
{
    return code < BROKEN && character_width_of(code) == 0 && character_width_shows(code);
}

static bool shows(uint32_t code)
{
    return code < BROKEN && character_width_shows(code);
}

/* Writes the escape of a code point that doesn't show; returns its length. No more than four digits
 * are needed: beyond U+FFFF everything shows. */
static unsigned escape(char out[GLYPH_COLUMNS_MAX + 1], uint32_t code)
{
    char letter = printable_letter(code);
    if (letter)
        return (unsigned)snprintf(out, GLYPH_COLUMNS_MAX + 1, "\\%c", letter);
    return (unsigned)snprintf(out, GLYPH_COLUMNS_MAX + 1,
                              code < 0x80 || code >= BROKEN ? "\\x%02x" : "\\u%04x",
                              (unsigned)code & (code >= BROKEN ? 0xff : 0xffff));
}

/* ---- What belongs together ---- */

static bool is_indicator(uint32_t code)
{
    return code >= 0x1f1e6 && code <= 0x1f1ff;
}

static bool is_tone(uint32_t code)
{
    return code >= 0x1f3fb && code <= 0x1f3ff;
}

/* Digits, # and * become keys by U+FE0F, and whole pictures what else is a sign. */
static bool may_become_picture(uint32_t code)
{
    return character_width_is_picture(code) || (code >= '0' && code <= '9') || code == '#' ||
           code == '*';
}

/* Whether next belongs to the glyph that begins with base and ends in last so far (UAX 29, GB9,
 * GB11, GB12; a tone joins pictures alone, as it is a picture of its own behind all else). */
static bool belongs(uint32_t base, uint32_t last, bool alone, uint32_t next)
{
    if (joins(next))
        return true;
    if (is_indicator(base))
        return alone && is_indicator(next);
    if (!character_width_is_picture(base))
        return false;
    return is_tone(next) || (last == JOINER && character_width_is_picture(next));
}

/* Takes code, which belongs to it, into account. */
static void join(struct glyph *glyph, uint32_t base, uint32_t code)
{
    bool widens = code == PICTURE_SELECTOR && glyph->columns == 1 && may_become_picture(base);
    if (widens)
        glyph->columns = 2;
    glyph->disputed = glyph->disputed || widens || code == JOINER || character_width_of(code) > 0;
}

struct glyph glyph_first(const char *text, size_t size)
{
    uint32_t base = 0, last, next;
    char escaped[GLYPH_COLUMNS_MAX + 1];
    struct glyph glyph = {.size = decode(text, size, &base)};
    if (!shows(base)) {
        glyph.escaped = true;
        glyph.columns = escape(escaped, base);
        return glyph;
    }
    unsigned columns = is_indicator(base) ? 2 : character_width_of(base);
    glyph.columns = columns ? columns : 1;
    glyph.disputed = is_indicator(base) || is_tone(base);
    last = base;
    for (size_t length, first = glyph.size; glyph.size < size; glyph.size += length, last = next) {
        length = decode(text + glyph.size, size - glyph.size, &next);
        if (!belongs(base, last, glyph.size == first, next))
            break;
        join(&glyph, base, next);
    }
    return glyph;
}

static size_t code_before(const char *text, size_t position)
{
    do
        position--;
    while (position && ((unsigned char)text[position] & 0xc0) == 0x80);
    return position;
}

/* A place at or before position - 1 where a glyph begins, whatever stands before it. */
static size_t certain_before(const char *text, size_t position)
{
    for (size_t end = position; position;) {
        uint32_t code, before = 0;
        position = code_before(text, position);
        decode(text + position, end - position, &code);
        if (position)
            decode(text + code_before(text, position), end - code_before(text, position), &before);
        bool by_joiner = before == JOINER && character_width_is_picture(code);
        if (!joins(code) && !is_indicator(code) && !is_tone(code) && !by_joiner)
            break;
    }
    return position;
}

size_t glyph_before(const char *text, size_t position)
{
    size_t begin = certain_before(text, position);
    for (;;) {
        size_t size = glyph_first(text + begin, position - begin).size;
        if (begin + size >= position)
            return begin;
        begin += size;
    }
}

/* ---- How it is drawn ---- */

size_t glyph_draw(char out[GLYPH_DRAW_BYTES], const char *text, struct glyph glyph, size_t room)
{
    uint32_t code = 0;
    size_t written = 0, columns = 0, length;
    decode(text, glyph.size, &code);
    if (glyph.escaped) {
        char escaped[GLYPH_COLUMNS_MAX + 1];
        size_t size = escape(escaped, code);
        memcpy(out, "\x1b[7m", 4);
        memcpy(out + 4, escaped, size);
        memcpy(out + 4 + size, "\x1b[27m", 5);
        return size + 9;
    }
    int most = 1 + (glyph.columns == 2 ? GLYPH_WIDE_MAX : GLYPH_JOINED_MAX);
    if (joins(code)) {
        memcpy(out, DOTTED_CIRCLE, 3);
        written = 3;
        columns = 1;
        most--;
    }
    for (size_t at = 0; at < glyph.size && most > 0; at += length, most--) {
        length = decode(text + at, glyph.size - at, &code);
        columns += character_width_of(code);
        if (columns > room)
            break;
        memcpy(out + written, text + at, length);
        written += length;
    }
    /* Some terminals join to it whatever they are sent next, wherever that is to stand. */
    while (glyph.disputed && written > 3 && memcmp(out + written - 3, JOINER_BYTES, 3) == 0)
        written -= 3;
    return written;
}

unsigned glyph_untouched(const char *text, struct glyph glyph)
{
    uint32_t code = 0;
    decode(text, glyph.size, &code);
    return glyph.disputed && character_width_of(code) < glyph.columns ? glyph.columns : 0;
}

size_t glyph_columns(const char *text, size_t size)
{
    size_t columns = 0;
    for (size_t at = 0; at < size;) {
        struct glyph glyph = glyph_first(text + at, size - at);
        columns += glyph.columns;
        at += glyph.size;
    }
    return columns;
}
