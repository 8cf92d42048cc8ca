/* Pieces of a row that are shown whole or not at all. */
#include "ctl/watch/screen_row.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { APART = 2 }; /* blanks between pieces */

struct screen_row screen_row_begin(struct screen *screen, unsigned begin, unsigned end)
{
    screen_pad_to(screen, begin);
    return (struct screen_row){
        .screen = screen, .begin = begin, .end = end < screen->columns ? end : screen->columns};
}

unsigned screen_row_room(const struct screen_row *row)
{
    return row->screen->column < row->end ? row->end - row->screen->column : 0;
}

static void begin_next(struct screen_row *row)
{
    row->spare--;
    screen_end_row(row->screen);
    screen_pad_to(row->screen, row->begin);
}

/* Makes sure that a piece of that size fits, in this row or the next. */
static bool make_room(struct screen_row *row, size_t size)
{
    unsigned apart = row->screen->column > row->begin ? APART : 0;
    if (size == 0)
        return false;
    if (screen_row_room(row) >= apart + size) {
        screen_pad_to(row->screen, row->screen->column + apart);
        return true;
    }
    if (apart == 0 || row->spare == 0 || row->end - row->begin < size)
        return false;
    begin_next(row);
    return true;
}

bool screen_row_put(struct screen_row *row, enum screen_style style, const char *format, ...)
{
    char text[SCREEN_COLUMNS_MAX + 1];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (size < 0 || !make_room(row, (size_t)size))
        return false;
    screen_put(row->screen, style, text);
    return true;
}

bool screen_row_figure(struct screen_row *row, enum screen_style style, const char *figure,
                       const char *label)
{
    if (!make_room(row, strlen(figure) + strlen(label)))
        return false;
    screen_put(row->screen, style == SCREEN_PLAIN ? SCREEN_BOLD : style, figure);
    screen_put(row->screen, style, label);
    return true;
}

/* How much of text, from one blank to another, fits; all of its first word if not even that does.
 */
static size_t fitting(const char *text, size_t room)
{
    size_t fits = 0;
    for (size_t at = 0; text[at] != '\0';) {
        at += strspn(text + at, " ");
        at += strcspn(text + at, " ");
        if (at > room && fits > 0)
            break;
        fits = at;
    }
    return fits;
}

void screen_row_text(struct screen_row *row, enum screen_style style, const char *text)
{
    static const char more[] = "...";
    for (;;) {
        size_t room = screen_row_room(row), length = strlen(text);
        bool last = row->spare == 0;
        size_t size = length <= room
                          ? length
                          : fitting(text, last && room > sizeof more ? room - sizeof more : room);
        size_t shown = size < room ? size : room;
        screen_format(row->screen, style, "%.*s", (int)shown, text);
        text += size + strspn(text + size, " ");
        if (*text == '\0')
            return;
        if (last) {
            if (screen_row_room(row) >= sizeof more)
                screen_format(row->screen, style, " %s", more);
            return;
        }
        begin_next(row);
    }
}
