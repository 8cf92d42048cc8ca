#ifndef TERMINAL_TEXTLINE_H
#define TERMINAL_TEXTLINE_H

#include <stdbool.h>
#include <stddef.h>

/* A line of valid UTF-8 with a cursor that stands between glyphs, in memory of the caller's. */
struct textline {
    char *bytes; /* room for max + 1 */
    size_t max;
    size_t size;
    size_t cursor;
};

/* Puts text in at the cursor, which then stands behind it. What doesn't fit is left out, from a
 * code point on; false then. */
bool textline_insert(struct textline *line, const char *text, size_t size);

/* Takes [from, to) out, two places between glyphs; the cursor goes to from. */
void textline_erase(struct textline *line, size_t from, size_t to);

/* Makes it that text, cut to what fits, with the cursor at the end. */
void textline_set(struct textline *line, const char *text, size_t size);

/* The place of the next glyph and of the one before, from a place between glyphs; the place itself
 * at the ends. */
size_t textline_next(const struct textline *line, size_t from);
size_t textline_previous(const struct textline *line, size_t from);

/* The end of the word at or behind from, and the beginning of the one at or before it. A word is
 * what has no blank in it, or (in parts) ASCII letters, digits, '_' and all beyond ASCII. */
size_t textline_word_end(const struct textline *line, size_t from);
size_t textline_word_begin(const struct textline *line, size_t from, bool in_parts);

/* Exchanges the glyphs around the cursor, at the end the last two, and goes behind them. False if
 * there are no two. */
bool textline_swap(struct textline *line);

#endif
