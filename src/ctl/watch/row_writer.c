#include "ctl/watch/row_writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { GAP_COLUMNS = 2 }; /* between pieces */

struct row_writer row_writer_begin(struct screen *screen, unsigned begin, unsigned end)
{
    screen_pad_to(screen, begin);
    return (struct row_writer){
        .screen = screen, .begin = begin, .end = end < screen->columns ? end : screen->columns};
}

unsigned row_writer_columns_left(const struct row_writer *row)
{
    return row->screen->column < row->end ? row->end - row->screen->column : 0;
}

static void begin_next_row(struct row_writer *row)
{
    row->spare--;
    screen_end_row(row->screen);
    screen_pad_to(row->screen, row->begin);
}

/* Moves to where a piece of that size fits, in this row or the next one; false: nowhere. */
static bool move_to_free_columns(struct row_writer *row, size_t size)
{
    unsigned gap = row->screen->column > row->begin ? GAP_COLUMNS : 0;
    if (size == 0)
        return false;
    if (row_writer_columns_left(row) >= gap + size) {
        screen_pad_to(row->screen, row->screen->column + gap);
        return true;
    }
    if (gap == 0 || row->spare == 0 || row->end - row->begin < size)
        return false;
    begin_next_row(row);
    return true;
}

bool row_writer_put(struct row_writer *row, enum screen_style style, const char *format, ...)
{
    char text[SCREEN_COLUMNS_MAX + 1];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (size < 0 || !move_to_free_columns(row, (size_t)size))
        return false;
    screen_put(row->screen, style, text);
    return true;
}

bool row_writer_put_number(struct row_writer *row, enum screen_style style, const char *number,
                           const char *label)
{
    if (!move_to_free_columns(row, strlen(number) + strlen(label)))
        return false;
    screen_put(row->screen, style == SCREEN_PLAIN ? SCREEN_BOLD : style, number);
    screen_put(row->screen, style, label);
    return true;
}

/* Returns the length of the longest prefix of text that ends at a blank and fits; that of the first
 * word if it does not fit. */
static size_t fitting_length(const char *text, size_t columns)
{
    size_t fits = 0;
    for (size_t at = 0; text[at] != '\0';) {
        at += strspn(text + at, " ");
        at += strcspn(text + at, " ");
        if (at > columns && fits > 0)
            break;
        fits = at;
    }
    return fits;
}

void row_writer_put_wrapped(struct row_writer *row, enum screen_style style, const char *text)
{
    static const char more[] = "...";
    for (;;) {
        size_t columns = row_writer_columns_left(row), length = strlen(text);
        bool last = row->spare == 0;
        size_t size = length <= columns ? length
                                        : fitting_length(text, last && columns > sizeof more
                                                                   ? columns - sizeof more
                                                                   : columns);
        size_t shown = size < columns ? size : columns;
        screen_format(row->screen, style, "%.*s", (int)shown, text);
        text += size + strspn(text + size, " ");
        if (*text == '\0')
            return;
        if (last) {
            if (row_writer_columns_left(row) >= sizeof more)
                screen_format(row->screen, style, " %s", more);
            return;
        }
        begin_next_row(row);
    }
}
