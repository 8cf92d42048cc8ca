#ifndef CTL_WATCH_ROW_WRITER_H
#define CTL_WATCH_ROW_WRITER_H

#include "terminal/screen.h"

#include <stdbool.h>

/* Writes pieces of text from left to right into a row of the screen, or into a part of a row. A
 * piece that does not fit as a whole is left out. */

struct row_writer {
    struct screen *screen;
    unsigned begin, end; /* columns [begin, end) */
    unsigned spare;      /* further rows that pieces may continue in */
};

/* Moves to column begin of the screen's current row. */
struct row_writer row_writer_begin(struct screen *screen, unsigned begin, unsigned end);

/* Returns how many columns are left. */
unsigned row_writer_columns_left(const struct row_writer *row);

/* Writes a piece after a gap of two blanks, into the current row or the next spare one. Returns
 * false if it does not fit; then nothing was written. */
bool row_writer_put(struct row_writer *row, enum screen_style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a number and its label, as one piece. */
bool row_writer_put_number(struct row_writer *row, enum screen_style style, const char *number,
                           const char *label);

/* Writes text that may be wrapped at its blanks. If the spare rows are too few, it is truncated at
 * a blank and ends in "...". A word wider than a row is truncated. */
void row_writer_put_wrapped(struct row_writer *row, enum screen_style style, const char *text);

#endif
