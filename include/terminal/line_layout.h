#ifndef TERMINAL_LINE_LAYOUT_H
#define TERMINAL_LINE_LAYOUT_H

#include "terminal/edit_buffer.h"

#include <stddef.h>
#include <stdint.h>

enum {
    LINE_LAYOUT_COLUMNS_MIN = 4,
    LINE_LAYOUT_COLUMNS_MAX = 1000,
    LINE_LAYOUT_PROMPT_BYTES = 128,
    /* A column takes 32 bytes at most: a picture has two, takes GLYPH_DRAW_BYTES, two blanks and
     * two places, and a glyph of one column with what joins it 16. */
    LINE_LAYOUT_DRAW_BYTES = 32 * LINE_LAYOUT_COLUMNS_MAX + LINE_LAYOUT_PROMPT_BYTES + 64,
};

/* What a window of one row shows of a line that may be longer. All zero is the beginning. */
struct line_layout {
    size_t left;                             /* columns of the line that are scrolled out */
    unsigned cursor;                         /* where the drawing left the cursor, from 0 */
    unsigned columns;                        /* that the drawing took */
    uint8_t widths[LINE_LAYOUT_COLUMNS_MAX]; /* of what is drawn from each column on; 0 within it */
};

/* Draws prompt and line as line_editor_draw promises; returns the length. */
size_t line_layout_draw(struct line_layout *view, const char *prompt,
                        const struct edit_buffer *line, unsigned columns,
                        char out[LINE_LAYOUT_DRAW_BYTES]);

/* Where the cursor stands, from the beginning of the row that was drawn, in a terminal that has
 * broken it into rows of columns meanwhile. */
void line_layout_wrapped(const struct line_layout *view, unsigned columns, unsigned *row,
                         unsigned *column);

/* Writes prompt and text whole, however many rows that takes, cut where room ends. Returns the
 * length, without a NUL. */
size_t line_layout_write(const char *prompt, const char *text, size_t size, char *out, size_t room);

#endif
