#ifndef CORE_GLYPH_H
#define CORE_GLYPH_H

#include <stdbool.h>
#include <stddef.h>

/* A character as people see it: a code point and those behind it that join it (width 0), moved over
 * and drawn as one. What doesn't just show (width_shows) stands alone, and is drawn as an escape:
 * \n \t \r \xNN \uNNNN. One that has nothing to join is drawn on a dotted circle. */
struct glyph {
    size_t size;      /* in the text, in bytes */
    unsigned columns; /* 1 .. GLYPH_COLUMNS_MAX */
    bool escaped;
};

enum {
    GLYPH_COLUMNS_MAX = 6,
    GLYPH_JOINED_MAX = 3, /* of those that join, so many are drawn */
    /* Escaped: SGR 7, six characters, SGR 27. Else: the base and three that join. */
    GLYPH_BYTES = 4 + 6 + 5,
    GLYPH_PLAIN_BYTES = 4 + 4 * GLYPH_JOINED_MAX,
    GLYPH_DRAW_BYTES = GLYPH_PLAIN_BYTES > GLYPH_BYTES ? GLYPH_PLAIN_BYTES : GLYPH_BYTES,
};

/* The one in front of size > 0 bytes of UTF-8; a byte that is none is escaped by itself. */
struct glyph glyph_first(const char *text, size_t size);

/* Where the one before position > 0 begins. */
size_t glyph_before(const char *text, size_t position);

/* Draws a glyph of text; returns the length. An escape is in reverse, to tell it from its letters.
 */
size_t glyph_draw(char out[GLYPH_DRAW_BYTES], const char *text, struct glyph glyph);

/* The columns that a text takes. */
size_t glyph_columns(const char *text, size_t size);

#endif
