#ifndef TERMINAL_GLYPH_H
#define TERMINAL_GLYPH_H

#include <stdbool.h>
#include <stddef.h>

/* A character as people see it, moved over and drawn as one: a code point and those behind it that
 * join it (width 0). After UAX 29, a picture also takes its skin tone, and, behind a ZWJ, the next
 * picture, and two regional indicators are a flag. What doesn't just show (character_width_shows)
 * stands alone, and is drawn as an escape: \n \t \r \xNN \uNNNN. One that has nothing to join is
 * drawn on a dotted circle. */
struct glyph {
    size_t size;      /* in the text, in bytes */
    unsigned columns; /* 1 .. GLYPH_COLUMNS_MAX */
    bool escaped;
    /* Terminals disagree about its columns (some draw one picture, some several). It has room for
     * one picture: 2. Whoever draws it says where it stands and where the next one begins. */
    bool disputed;
};

enum {
    GLYPH_COLUMNS_MAX = 6,
    GLYPH_JOINED_MAX = 3, /* of those that join, so many are drawn */
    GLYPH_WIDE_MAX = 9,   /* and so many to what is wide: two who kiss, and their tones */
    /* More than an escape: SGR 7, six characters, SGR 27. */
    GLYPH_DRAW_BYTES = 4 + 4 * GLYPH_WIDE_MAX,
};

/* The one in front of size > 0 bytes of UTF-8; a byte that is none is escaped by itself. */
struct glyph glyph_first(const char *text, size_t size);

/* Where the one before position > 0 begins. */
size_t glyph_before(const char *text, size_t position);

/* Draws a glyph of text; returns the length. An escape is in reverse, to tell it from its letters.
 * Code points that would take more than room columns, each counted by itself, are left out. */
size_t glyph_draw(char out[GLYPH_DRAW_BYTES], const char *text, struct glyph glyph, size_t room);

/* How many columns a terminal may leave as they were when it draws the glyph; 0 unless disputed. */
unsigned glyph_untouched(const char *text, struct glyph glyph);

/* The columns that a text takes. */
size_t glyph_columns(const char *text, size_t size);

#endif
