#ifndef TERMINAL_SCREEN_H
#define TERMINAL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One screenful as one piece of bytes for a terminal (ECMA-48). It overwrites the last one in
 * place, row by row, and erases only what is behind a row's end and below the last row, so that
 * nothing flickers; terminals that know synchronized updates show it at once, the others pass that
 * over. What doesn't fit the window is cut. */

enum {
    SCREEN_COLUMNS_MAX = 500,
    SCREEN_ROWS_MAX = 200,
    /* A column takes at most a style on, a character of three bytes, a style off. */
    SCREEN_BYTES = SCREEN_ROWS_MAX * (SCREEN_COLUMNS_MAX * 12 + 8) + 64,
};

enum screen_style { SCREEN_PLAIN, SCREEN_BOLD, SCREEN_DIM, SCREEN_GOOD, SCREEN_BAD };

struct screen {
    char *out; /* SCREEN_BYTES */
    size_t size;
    unsigned columns, rows; /* of the window, or as many as are drawn of it */
    unsigned row, column;   /* of what comes next, from 0 */
    bool styles;            /* bold, dim and colours may be used */
    bool blocks;            /* characters beyond ASCII, too */
};

/* Begins a screenful in out, of SCREEN_BYTES, which the caller keeps. */
void screen_begin(struct screen *screen, char *out, unsigned columns, unsigned rows, bool styles,
                  bool blocks);

/* Writes text from here on. What isn't printable ASCII becomes '?', so that nobody's text can steer
 * the terminal. */
void screen_put(struct screen *screen, enum screen_style style, const char *text);
void screen_format(struct screen *screen, enum screen_style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Goes on to a column, if it isn't behind it already. */
void screen_to(struct screen *screen, unsigned column);

/* A column of a diagram: level from 0 (nothing) to SCREEN_LEVELS. Without blocks it is a
 * character of about the same weight. */
enum { SCREEN_LEVELS = 8 };
void screen_level(struct screen *screen, enum screen_style style, unsigned level);

/* A bar of that many columns, part of it filled: permille from 0 to 1000. */
void screen_bar(struct screen *screen, enum screen_style style, unsigned columns,
                unsigned permille);

/* Ends the row. */
void screen_next(struct screen *screen);

/* How many rows are left, the one at hand among them. */
unsigned screen_rows_left(const struct screen *screen);

/* Ends the screenful; returns its size in bytes. */
size_t screen_end(struct screen *screen);

#endif
