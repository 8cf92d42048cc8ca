/* Characters as people see them, and how a terminal shows them. */
#include "core/glyph.h"

#include "core/utf8.h"
#include "core/width.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { BROKEN = 0x200000 }; /* beyond every code point */

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
    return code < BROKEN && width_of(code) == 0 && width_shows(code);
}

static bool shows(uint32_t code)
{
    return code < BROKEN && width_shows(code);
}

/* Writes the escape of a code point that doesn't show; returns its length. */
static unsigned escape(char out[GLYPH_COLUMNS_MAX + 1], uint32_t code)
{
    static const char codes[] = "\n\t\r", letters[] = "ntr";
    const char *found = code ? strchr(codes, (int)code) : NULL;
    if (found)
        return (unsigned)snprintf(out, GLYPH_COLUMNS_MAX + 1, "\\%c", letters[found - codes]);
    return (unsigned)snprintf(out, GLYPH_COLUMNS_MAX + 1,
                              code < 0x80 || code >= BROKEN ? "\\x%02x" : "\\u%04x",
                              (unsigned)code & (code >= BROKEN ? 0xff : 0xffff));
}

struct glyph glyph_first(const char *text, size_t size)
{
    uint32_t code = 0;
    char escaped[GLYPH_COLUMNS_MAX + 1];
    struct glyph glyph = {.size = decode(text, size, &code)};
    if (!shows(code)) {
        glyph.escaped = true;
        glyph.columns = escape(escaped, code);
        return glyph;
    }
    unsigned columns = width_of(code);
    glyph.columns = columns ? columns : 1;
    while (glyph.size < size) {
        size_t length = decode(text + glyph.size, size - glyph.size, &code);
        if (!joins(code))
            break;
        glyph.size += length;
    }
    return glyph;
}

size_t glyph_before(const char *text, size_t position)
{
    size_t end = position;
    uint32_t code;
    do {
        do
            position--;
        while (position && ((unsigned char)text[position] & 0xc0) == 0x80);
        decode(text + position, end - position, &code);
    } while (position && joins(code));
    /* Joins nothing, if what stands before it doesn't just show. */
    struct glyph glyph = glyph_first(text + position, end - position);
    return glyph.escaped && position + glyph.size < end ? position + glyph.size : position;
}

size_t glyph_draw(char out[GLYPH_DRAW_BYTES], const char *text, struct glyph glyph)
{
    uint32_t code = 0;
    size_t length = decode(text, glyph.size, &code), written = 0;
    if (glyph.escaped) {
        char escaped[GLYPH_COLUMNS_MAX + 1];
        size_t columns = escape(escaped, code);
        memcpy(out, "\x1b[7m", 4);
        memcpy(out + 4, escaped, columns);
        memcpy(out + 4 + columns, "\x1b[27m", 5);
        return columns + 9;
    }
    if (joins(code)) {
        memcpy(out, DOTTED_CIRCLE, 3);
        written = 3;
        length = 0;
    }
    memcpy(out + written, text, length);
    written += length;
    for (int joined = 0; length < glyph.size && joined < GLYPH_JOINED_MAX; joined++) {
        size_t next = decode(text + length, glyph.size - length, &code);
        memcpy(out + written, text + length, next);
        written += next;
        length += next;
    }
    return written;
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
