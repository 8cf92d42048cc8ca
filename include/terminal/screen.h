#ifndef TERMINAL_SCREEN_H
#define TERMINAL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Draws a full screen of text, charts and bars as one string of bytes for a terminal (ECMA-48). It
 * overwrites the previous screen row by row, and erases only the rest of each row and the rows
 * below the last one, so that nothing flickers. Terminals that support synchronized updates show it
 * at once; others ignore that sequence. Everything is truncated to the window. */

enum {
    SCREEN_COLUMNS_MAX = 500,
    SCREEN_ROWS_MAX = 200,
    /* At most, per column: a style on, a character of three bytes, a style off. */
    SCREEN_BYTES = SCREEN_ROWS_MAX * (SCREEN_COLUMNS_MAX * 12 + 8) + 64,
};

enum screen_style { SCREEN_PLAIN, SCREEN_BOLD, SCREEN_DIM, SCREEN_GOOD, SCREEN_BAD };

struct screen {
    char *out; /* SCREEN_BYTES */
    size_t size;
    unsigned columns, rows; /* the part of the window that is drawn */
    unsigned row, column;   /* the next position, from 0 */
    bool styles;            /* whether bold, dim and colours may be used */
    bool blocks;            /* whether block characters beyond ASCII may be used */
};

/* Begins a screen in out, which has SCREEN_BYTES and stays the caller's. */
void screen_begin(struct screen *screen, char *out, unsigned columns, unsigned rows, bool styles,
                  bool blocks);

/* Write text at the current position. Bytes that are not printable ASCII become '?', so that a text
 * from elsewhere cannot control the terminal. */
void screen_put(struct screen *screen, enum screen_style style, const char *text);
void screen_format(struct screen *screen, enum screen_style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Writes blanks up to a column; nothing if the position is past it. */
void screen_pad_to(struct screen *screen, unsigned column);

/* Draws one column of a chart: level from 0 (nothing) to SCREEN_LEVELS. Without blocks it is an
 * ASCII character of about the same weight. */
enum { SCREEN_LEVELS = 8 };
void screen_level(struct screen *screen, enum screen_style style, unsigned level);

/* Draws a bar of the given width, filled by permille (0 to 1000). */
void screen_bar(struct screen *screen, enum screen_style style, unsigned columns,
                unsigned permille);

/* Ends the current row. */
void screen_end_row(struct screen *screen);

/* Returns the number of rows left, including the current one. */
unsigned screen_rows_left(const struct screen *screen);

/* Ends the screen; returns its size in bytes. */
size_t screen_end(struct screen *screen);

#endif
