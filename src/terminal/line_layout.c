/* A line drawn as one row: scrolled, cut, escaped. */
#include "terminal/line_layout.h"

#include "terminal/glyph.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct drawing {
    char *out;
    size_t length;
    struct line_layout *view; /* whose columns are counted */
};

static void put(struct drawing *drawing, const char *text, size_t size)
{
    memcpy(drawing->out + drawing->length, text, size);
    drawing->length += size;
}

static void put_text(struct drawing *drawing, const char *text)
{
    put(drawing, text, strlen(text));
}

/* Puts what takes columns, each of them a place where a terminal may break the row if it's apart.
 */
static void put_columns(struct drawing *drawing, const char *text, size_t size, unsigned columns,
                        bool apart)
{
    uint8_t *widths = drawing->view->widths + drawing->view->columns;
    put(drawing, text, size);
    memset(widths, apart, columns);
    if (columns && !apart)
        widths[0] = (uint8_t)columns;
    drawing->view->columns += columns;
}

/* Goes to a column of the row. */
static void put_place(struct drawing *drawing, unsigned column)
{
    char move[24];
    snprintf(move, sizeof move, column ? "\r\x1b[%uC" : "\r", column);
    put_text(drawing, move);
}

/* A glyph of which there is room for so many columns before the row's end. Behind one that is
 * disputed the next one begins where it should: what a terminal has drawn too wide is overwritten,
 * and what it leaves is blank. */
static void put_glyph(struct drawing *drawing, const char *text, struct glyph glyph, size_t room)
{
    char bytes[GLYPH_DRAW_BYTES];
    size_t size = glyph_draw(bytes, text, glyph, room);
    unsigned column = drawing->view->columns, untouched = glyph_untouched(text, glyph);
    if (untouched) {
        put(drawing, "      ", untouched);
        put_place(drawing, column);
    }
    put_columns(drawing, bytes, size, glyph.columns, glyph.escaped);
    if (glyph.disputed)
        put_place(drawing, drawing->view->columns);
}

/* Which columns of the line are shown: [from, to), with a mark before or behind where more is. */
struct window {
    size_t from, to;
    bool before, behind;
};

/* Moves the view so that the cursor, which needs a column of its own behind the line, is in it. */
static struct window place(struct line_layout *view, size_t room, size_t cursor, size_t total)
{
    size_t wanted = total + 1;
    if (wanted <= room)
        view->left = 0;
    else if (view->left + room > wanted)
        view->left = wanted - room;
    bool marks = room >= 3;
    bool hidden = cursor < view->left + (marks && view->left > 0) ||
                  cursor + (marks && view->left + room < wanted) >= view->left + room;
    if (hidden) {
        view->left = cursor > room / 2 ? cursor - room / 2 : 0;
        if (view->left + room > wanted)
            view->left = wanted - room;
    }
    struct window window = {.from = view->left, .to = view->left + room};
    window.before = marks && window.from > 0;
    window.behind = marks && window.to < wanted;
    window.from += window.before;
    window.to -= window.behind;
    return window;
}

/* Draws what of the line is in the window; what is half in it is blank. */
static void draw_window(struct drawing *drawing, const struct edit_buffer *line,
                        const struct window *window)
{
    size_t column = 0;
    for (size_t at = 0; at < line->size && column < window->to;) {
        struct glyph glyph = glyph_first(line->bytes + at, line->size - at);
        size_t from = column > window->from ? column : window->from;
        size_t end = column + glyph.columns;
        size_t to = end < window->to ? end : window->to;
        if (from == column && to == end)
            put_glyph(drawing, line->bytes + at, glyph, window->to - from);
        else
            for (size_t blank = from; blank < to; blank++)
                put_columns(drawing, " ", 1, 1, true);
        column = end;
        at += glyph.size;
    }
}

static void draw_prompt(struct drawing *drawing, const char *prompt, size_t size)
{
    for (size_t at = 0; at < size;) {
        struct glyph glyph = glyph_first(prompt + at, size - at);
        put_glyph(drawing, prompt + at, glyph, glyph.columns);
        at += glyph.size;
    }
}

static unsigned within(unsigned columns)
{
    if (columns < LINE_LAYOUT_COLUMNS_MIN)
        return LINE_LAYOUT_COLUMNS_MIN;
    return columns < LINE_LAYOUT_COLUMNS_MAX ? columns : LINE_LAYOUT_COLUMNS_MAX;
}

size_t line_layout_draw(struct line_layout *view, const char *prompt,
                        const struct edit_buffer *line, unsigned columns,
                        char out[LINE_LAYOUT_DRAW_BYTES])
{
    struct drawing drawing = {.out = out, .view = view};
    columns = within(columns);
    size_t prompt_size = strlen(prompt), prompt_columns = glyph_columns(prompt, prompt_size);
    if (2 * prompt_columns > columns - 1 || prompt_size > LINE_LAYOUT_PROMPT_BYTES)
        prompt_size = prompt_columns = 0;
    size_t cursor = glyph_columns(line->bytes, line->cursor);
    size_t behind = glyph_columns(line->bytes + line->cursor, line->size - line->cursor);
    struct window window = place(view, columns - 1 - prompt_columns, cursor, cursor + behind);

    view->columns = 0;
    put_text(&drawing, "\r");
    draw_prompt(&drawing, prompt, prompt_size);
    if (window.before)
        put_columns(&drawing, "<", 1, 1, true);
    draw_window(&drawing, line, &window);
    if (window.behind)
        put_columns(&drawing, ">", 1, 1, true);
    put_text(&drawing, "\x1b[K");
    view->cursor = (unsigned)(prompt_columns + cursor - view->left);
    put_place(&drawing, view->cursor);
    return drawing.length;
}

void line_layout_wrapped(const struct line_layout *view, unsigned columns, unsigned *row,
                         unsigned *column)
{
    *row = *column = 0;
    for (unsigned at = 0; at <= view->cursor;) {
        unsigned width = at < view->columns ? view->widths[at] : 1;
        if (*column && *column + width > columns) {
            ++*row;
            *column = 0;
        }
        if (at == view->cursor)
            return;
        *column += width;
        at += width;
    }
}

size_t line_layout_write(const char *prompt, const char *text, size_t size, char *out, size_t room)
{
    struct drawing drawing = {.out = out};
    size_t prompt_size = strlen(prompt);
    if (prompt_size <= room)
        put(&drawing, prompt, prompt_size);
    while (size && drawing.length + GLYPH_DRAW_BYTES <= room) {
        struct glyph glyph = glyph_first(text, size);
        drawing.length += glyph_draw(out + drawing.length, text, glyph, SIZE_MAX);
        text += glyph.size;
        size -= glyph.size;
    }
    return drawing.length;
}
