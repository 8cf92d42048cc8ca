#ifndef CTL_WATCH_SCREEN_ROW_H
#define CTL_WATCH_SCREEN_ROW_H

#include "terminal/screen.h"

#include <stdbool.h>

/* Part of a screen's row, filled from the left with pieces that are shown whole or not at all. */

struct screen_row {
    struct screen *screen;
    unsigned begin, end; /* columns [begin, end) */
    unsigned spare;      /* further rows that may be begun where a piece doesn't fit */
};

/* Goes to column begin of the row at hand. */
struct screen_row screen_row_begin(struct screen *screen, unsigned begin, unsigned end);

/* The columns that are left. */
unsigned screen_row_room(const struct screen_row *row);

/* Puts a piece, two blanks behind the one before, into the row at hand, or into the next one if it
 * may be begun. False if it fits neither: nothing was put. */
bool screen_row_put(struct screen_row *row, enum screen_style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a figure and its label. */
bool screen_row_figure(struct screen_row *row, enum screen_style style, const char *figure,
                       const char *label);

/* Puts text that may be broken at its blanks; what there are no rows for is left out, at a blank,
 * with "..." in its place. A word that is wider than a row is cut. */
void screen_row_text(struct screen_row *row, enum screen_style style, const char *text);

#endif
