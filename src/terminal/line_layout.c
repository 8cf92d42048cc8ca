#include "terminal/line_layout.h"

#include "terminal/grapheme.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct drawing {
    char *out;
    size_t length;
    struct line_layout *layout; /* counts the columns */
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

/* Puts text that takes columns. separable: a terminal may wrap the row between any two of them. */
static void put_columns(struct drawing *drawing, const char *text, size_t size, unsigned columns,
                        bool separable)
{
    uint8_t *widths = drawing->layout->widths + drawing->layout->columns;
    put(drawing, text, size);
    memset(widths, separable, columns);
    if (columns && !separable)
        widths[0] = (uint8_t)columns;
    drawing->layout->columns += columns;
}

/* Moves the cursor to a column of the row. */
static void put_position(struct drawing *drawing, unsigned column)
{
    char move[24];
    snprintf(move, sizeof move, column ? "\r\x1b[%uC" : "\r", column);
    put_text(drawing, move);
}

/* Puts a grapheme with max_columns left before the end of the row. If its width is uncertain, its
 * columns are cleared before and the cursor is positioned after it, so that the next grapheme
 * begins in the right column whatever the terminal has drawn. */
static void put_grapheme(struct drawing *drawing, const char *text, struct grapheme grapheme,
                         size_t max_columns)
{
    char bytes[GRAPHEME_DRAW_BYTES];
    size_t size = grapheme_draw(bytes, text, grapheme, max_columns);
    unsigned column = drawing->layout->columns, cleared = grapheme_columns_to_clear(text, grapheme);
    if (cleared) {
        put(drawing, "      ", cleared);
        put_position(drawing, column);
    }
    put_columns(drawing, bytes, size, grapheme.columns, grapheme.escaped);
    if (grapheme.uncertain_width)
        put_position(drawing, drawing->layout->columns);
}

/* The columns of the line that are visible, [from, to), and whether a mark shows that there is more
 * on the left or on the right. */
struct window {
    size_t from, to;
    bool mark_left, mark_right;
};

/* Scrolls so that the cursor, which needs one more column at the end of the line, is visible. */
static struct window scroll(struct line_layout *layout, size_t width, size_t cursor, size_t total)
{
    size_t wanted = total + 1;
    if (wanted <= width)
        layout->left = 0;
    else if (layout->left + width > wanted)
        layout->left = wanted - width;
    bool marks = width >= 3;
    bool hidden = cursor < layout->left + (marks && layout->left > 0) ||
                  cursor + (marks && layout->left + width < wanted) >= layout->left + width;
    if (hidden) {
        layout->left = cursor > width / 2 ? cursor - width / 2 : 0;
        if (layout->left + width > wanted)
            layout->left = wanted - width;
    }
    struct window window = {.from = layout->left, .to = layout->left + width};
    window.mark_left = marks && window.from > 0;
    window.mark_right = marks && window.to < wanted;
    window.from += window.mark_left;
    window.to -= window.mark_right;
    return window;
}

/* Draws the visible part of the line; graphemes that are only partly visible are drawn as blanks.
 */
static void draw_window(struct drawing *drawing, const struct edit_buffer *line,
                        const struct window *window)
{
    size_t column = 0;
    for (size_t at = 0; at < line->size && column < window->to;) {
        struct grapheme grapheme = grapheme_first(line->bytes + at, line->size - at);
        size_t from = column > window->from ? column : window->from;
        size_t end = column + grapheme.columns;
        size_t to = end < window->to ? end : window->to;
        if (from == column && to == end)
            put_grapheme(drawing, line->bytes + at, grapheme, window->to - from);
        else
            for (size_t blank = from; blank < to; blank++)
                put_columns(drawing, " ", 1, 1, true);
        column = end;
        at += grapheme.size;
    }
}

static void draw_prompt(struct drawing *drawing, const char *prompt, size_t size)
{
    for (size_t at = 0; at < size;) {
        struct grapheme grapheme = grapheme_first(prompt + at, size - at);
        put_grapheme(drawing, prompt + at, grapheme, grapheme.columns);
        at += grapheme.size;
    }
}

static unsigned clamp_columns(unsigned columns)
{
    if (columns < LINE_LAYOUT_COLUMNS_MIN)
        return LINE_LAYOUT_COLUMNS_MIN;
    return columns < LINE_LAYOUT_COLUMNS_MAX ? columns : LINE_LAYOUT_COLUMNS_MAX;
}

size_t line_layout_draw(struct line_layout *layout, const char *prompt,
                        const struct edit_buffer *line, unsigned columns,
                        char out[LINE_LAYOUT_DRAW_BYTES])
{
    struct drawing drawing = {.out = out, .layout = layout};
    columns = clamp_columns(columns);
    size_t prompt_size = strlen(prompt),
           prompt_columns = grapheme_text_columns(prompt, prompt_size);
    if (2 * prompt_columns > columns - 1 || prompt_size > LINE_LAYOUT_PROMPT_BYTES)
        prompt_size = prompt_columns = 0;
    size_t cursor = grapheme_text_columns(line->bytes, line->cursor);
    size_t after = grapheme_text_columns(line->bytes + line->cursor, line->size - line->cursor);
    struct window window = scroll(layout, columns - 1 - prompt_columns, cursor, cursor + after);

    layout->columns = 0;
    put_text(&drawing, "\r");
    draw_prompt(&drawing, prompt, prompt_size);
    if (window.mark_left)
        put_columns(&drawing, "<", 1, 1, true);
    draw_window(&drawing, line, &window);
    if (window.mark_right)
        put_columns(&drawing, ">", 1, 1, true);
    put_text(&drawing, "\x1b[K");
    layout->cursor = (unsigned)(prompt_columns + cursor - layout->left);
    put_position(&drawing, layout->cursor);
    return drawing.length;
}

void line_layout_wrapped_cursor(const struct line_layout *layout, unsigned columns, unsigned *row,
                                unsigned *column)
{
    *row = *column = 0;
    for (unsigned at = 0; at <= layout->cursor;) {
        unsigned width = at < layout->columns ? layout->widths[at] : 1;
        if (*column && *column + width > columns) {
            ++*row;
            *column = 0;
        }
        if (at == layout->cursor)
            return;
        *column += width;
        at += width;
    }
}

size_t line_layout_write(const char *prompt, const char *text, size_t size, char *out,
                         size_t capacity)
{
    struct drawing drawing = {.out = out};
    size_t prompt_size = strlen(prompt);
    if (prompt_size <= capacity)
        put(&drawing, prompt, prompt_size);
    while (size && drawing.length + GRAPHEME_DRAW_BYTES <= capacity) {
        struct grapheme grapheme = grapheme_first(text, size);
        drawing.length += grapheme_draw(out + drawing.length, text, grapheme, SIZE_MAX);
        text += grapheme.size;
        size -= grapheme.size;
    }
    return drawing.length;
}
