#ifndef TERMINAL_GRAPHEME_H
#define TERMINAL_GRAPHEME_H

#include <stdbool.h>
#include <stddef.h>

/* Grapheme clusters: the characters that a user sees, moves over and deletes as one, and how they
 * are drawn. A grapheme is one code point with the code points of width 0 that follow and combine
 * with it. After UAX 29, an emoji also includes its skin tone and, after a ZWJ, the next emoji; two
 * regional indicators make a flag. A code point that is not printable
 * (printable_is_safe) is a grapheme by itself, and is drawn as an escape: \n \t \r \xNN
 * \uNNNN. A combining code point with nothing before it is drawn on a dotted circle. */
struct grapheme {
    size_t size;      /* in the text, in bytes */
    unsigned columns; /* 1 .. GRAPHEME_COLUMNS_MAX */
    bool escaped;
    /* Terminals disagree about its width (some draw one emoji, some several). columns is 2, the
     * width of one emoji. The code that draws it positions the cursor before and after it. */
    bool uncertain_width;
};

enum {
    GRAPHEME_COLUMNS_MAX = 6,
    GRAPHEME_JOINED_MAX = 3,      /* combining code points that are drawn after a narrow one */
    GRAPHEME_WIDE_JOINED_MAX = 9, /* and after a wide one: a kiss of two persons with skin tones */
    /* More than an escape: SGR 7, six characters, SGR 27. */
    GRAPHEME_DRAW_BYTES = 4 + 4 * GRAPHEME_WIDE_JOINED_MAX,
};

/* Returns the first grapheme of size > 0 bytes of UTF-8. An invalid byte is escaped by itself. */
struct grapheme grapheme_first(const char *text, size_t size);

/* Returns the offset where the grapheme before position > 0 begins. */
size_t grapheme_before(const char *text, size_t position);

/* Draws a grapheme of text and returns the number of bytes. An escape is drawn in reverse video, to
 * distinguish it from the same characters typed. Code points that would take more than
 * max_columns columns, if each is counted by itself, are left out. */
size_t grapheme_draw(char out[GRAPHEME_DRAW_BYTES], const char *text, struct grapheme grapheme,
                     size_t max_columns);

/* Returns how many columns have to be cleared before the grapheme is drawn, since some terminals
 * draw it narrower than it is counted; 0 unless its width is uncertain. */
unsigned grapheme_columns_to_clear(const char *text, struct grapheme grapheme);

/* Returns the width of a whole text in columns. */
size_t grapheme_text_columns(const char *text, size_t size);

#endif
