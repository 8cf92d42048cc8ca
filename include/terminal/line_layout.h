#ifndef TERMINAL_LINE_LAYOUT_H
#define TERMINAL_LINE_LAYOUT_H

#include "terminal/edit_buffer.h"

#include <stddef.h>
#include <stdint.h>

/* Draws the prompt and the line being edited on one terminal row: horizontal scrolling, truncation
 * marks, escapes and the cursor's column. */

enum {
    LINE_LAYOUT_COLUMNS_MIN = 4,
    LINE_LAYOUT_COLUMNS_MAX = 1000,
    LINE_LAYOUT_PROMPT_BYTES = 128,
    /* At most 32 bytes per column: an emoji has two columns and takes GRAPHEME_DRAW_BYTES, two
     * blanks and two cursor movements; a grapheme of one column takes 16 bytes with what combines
     * with it. */
    LINE_LAYOUT_DRAW_BYTES = 32 * LINE_LAYOUT_COLUMNS_MAX + LINE_LAYOUT_PROMPT_BYTES + 64,
};

/* The state of the row between two drawings. Initialize it with zeros. */
struct line_layout {
    size_t left;      /* columns of the line that are scrolled out at the left */
    unsigned cursor;  /* column of the cursor after the last drawing, from 0 */
    unsigned columns; /* columns of the last drawing */
    /* Width of the grapheme that begins in each column; 0 inside a grapheme. */
    uint8_t widths[LINE_LAYOUT_COLUMNS_MAX];
};

/* Draws prompt and line as described at line_editor_draw; returns the number of bytes. */
size_t line_layout_draw(struct line_layout *layout, const char *prompt,
                        const struct edit_buffer *line, unsigned columns,
                        char out[LINE_LAYOUT_DRAW_BYTES]);

/* Computes where the cursor is, relative to the beginning of the drawn row, after the terminal
 * became narrower and wrapped that row into rows of columns. */
void line_layout_wrapped_cursor(const struct line_layout *layout, unsigned columns, unsigned *row,
                                unsigned *column);

/* Writes prompt and text completely, over as many rows as needed, truncated to capacity bytes.
 * Returns the number of bytes, without a NUL. */
size_t line_layout_write(const char *prompt, const char *text, size_t size, char *out,
                         size_t capacity);

#endif
