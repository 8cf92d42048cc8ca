#ifndef TERMINAL_EDIT_BUFFER_H
#define TERMINAL_EDIT_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

/* A line of valid UTF-8 with a cursor that stands between glyphs, in memory of the caller's. */
struct edit_buffer {
    char *bytes; /* room for max + 1 */
    size_t max;
    size_t size;
    size_t cursor;
};

/* Puts text in at the cursor, which then stands behind it. What doesn't fit is left out, from a
 * code point on; false then. */
bool edit_buffer_insert(struct edit_buffer *line, const char *text, size_t size);

/* Takes [from, to) out, two places between glyphs; the cursor goes to from. */
void edit_buffer_erase(struct edit_buffer *line, size_t from, size_t to);

/* Makes it that text, cut to what fits, with the cursor at the end. */
void edit_buffer_set(struct edit_buffer *line, const char *text, size_t size);

/* The place of the next glyph and of the one before, from a place between glyphs; the place itself
 * at the ends. */
size_t edit_buffer_next(const struct edit_buffer *line, size_t from);
size_t edit_buffer_previous(const struct edit_buffer *line, size_t from);

/* The end of the word at or behind from, and the beginning of the one at or before it. A word is
 * what has no blank in it, or (in parts) ASCII letters, digits, '_' and all beyond ASCII. */
size_t edit_buffer_word_end(const struct edit_buffer *line, size_t from);
size_t edit_buffer_word_begin(const struct edit_buffer *line, size_t from, bool in_parts);

/* Exchanges the glyphs around the cursor, at the end the last two, and goes behind them. False if
 * there are no two. */
bool edit_buffer_swap(struct edit_buffer *line);

#endif
