#ifndef UNIT_TTY_FIXTURE_H
#define UNIT_TTY_FIXTURE_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* As much of a terminal as a drawing needs: what the screen looks like behind it. It wraps as
 * terminals do, late, and scrolls, so that a drawing which causes either is seen. */

enum { TTY_COLUMNS = 200, TTY_ROWS = 60 };

struct tty {
    unsigned columns, rows, row, column;
    unsigned scrolled; /* rows that went away at the top */
    char cells[TTY_ROWS][TTY_COLUMNS + 1];
};

static inline struct tty tty_new(unsigned columns, unsigned rows)
{
    struct tty tty = {.columns = columns, .rows = rows};
    cr_assert(columns <= TTY_COLUMNS && rows <= TTY_ROWS);
    /* What was there before, to be overwritten. */
    memset(tty.cells, '~', sizeof tty.cells);
    return tty;
}

static inline void tty_newline(struct tty *tty)
{
    if (tty->row + 1 < tty->rows)
        tty->row++;
    else
        tty->scrolled++;
}

/* One control sequence; returns its length. */
static inline size_t tty_sequence(struct tty *tty, const char *bytes)
{
    cr_assert_eq(bytes[1], '[', "only CSI is known");
    size_t length = 2 + strspn(bytes + 2, "?0123456789;");
    unsigned column = tty->column < tty->columns ? tty->column : tty->columns - 1;
    switch (bytes[length]) {
    case 'H':
        cr_assert_eq(length, 2, "only home is known");
        tty->row = tty->column = 0;
        break;
    case 'J': /* from the cursor on: the rest of the row and what is below */
        for (unsigned row = tty->row + 1; row < tty->rows; row++)
            memset(tty->cells[row], ' ', tty->columns);
        /* fall through */
    case 'K':
        cr_assert_eq(length, 2, "only erasing to the end is known");
        memset(&tty->cells[tty->row][column], ' ', tty->columns - column);
        break;
    case 'm':
    case 'h':
    case 'l':
        break;
    default:
        cr_assert_fail("unknown sequence %c", bytes[length]);
    }
    return length + 1;
}

/* A character of more than one byte becomes '@'. */
static inline void tty_write(struct tty *tty, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size;) {
        if (bytes[i] == '\x1b') {
            i += tty_sequence(tty, bytes + i);
            continue;
        }
        if (bytes[i] == '\r')
            tty->column = 0;
        else if (bytes[i] == '\n')
            tty_newline(tty);
        else if (((unsigned char)bytes[i] & 0xc0) != 0x80) {
            cr_assert(bytes[i] & 0x80 || bytes[i] >= ' ', "a control byte: %d", bytes[i]);
            if (tty->column == tty->columns) {
                tty->column = 0;
                tty_newline(tty);
            }
            tty->cells[tty->row][tty->column++] = bytes[i] & 0x80 ? '@' : bytes[i];
        }
        i++;
    }
}

/* A row without the blanks at its end. */
static inline const char *tty_row(struct tty *tty, unsigned row)
{
    char *cells = tty->cells[row];
    unsigned length = tty->columns;
    while (length > 0 && cells[length - 1] == ' ')
        length--;
    cells[length] = '\0';
    return cells;
}

#endif
