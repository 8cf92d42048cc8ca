#include "terminal/screen.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void emit(struct screen *screen, const char *bytes)
{
    size_t size = strlen(bytes);
    memcpy(screen->out + screen->size, bytes, size);
    screen->size += size;
}

/* Select Graphic Rendition (ECMA-48, 8.3.117). */
static void begin_style(struct screen *screen, enum screen_style style)
{
    static const char *const on[] = {"", "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31m"};
    if (screen->styles)
        emit(screen, on[style]);
}

static void end_style(struct screen *screen, enum screen_style style)
{
    if (screen->styles && style != SCREEN_PLAIN)
        emit(screen, "\x1b[m");
}

void screen_begin(struct screen *screen, char *out, unsigned columns, unsigned rows, bool styles,
                  bool blocks)
{
    *screen = (struct screen){
        .out = out,
        .columns = columns < SCREEN_COLUMNS_MAX ? columns : SCREEN_COLUMNS_MAX,
        .rows = rows < SCREEN_ROWS_MAX ? rows : SCREEN_ROWS_MAX,
        .styles = styles,
        .blocks = blocks,
    };
    /* Synchronized update (private mode 2026), cursor home. */
    emit(screen, "\x1b[?2026h\x1b[H");
}

static unsigned columns_left(const struct screen *screen)
{
    return screen->row < screen->rows ? screen->columns - screen->column : 0;
}

void screen_put(struct screen *screen, enum screen_style style, const char *text)
{
    if (columns_left(screen) == 0 || *text == '\0')
        return;
    begin_style(screen, style);
    for (; *text != '\0' && columns_left(screen) > 0; text++, screen->column++)
        screen->out[screen->size++] = *text >= ' ' && *text <= '~' ? *text : '?';
    end_style(screen, style);
}

void screen_format(struct screen *screen, enum screen_style style, const char *format, ...)
{
    char text[SCREEN_COLUMNS_MAX + 1];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    screen_put(screen, style, text);
}

void screen_pad_to(struct screen *screen, unsigned column)
{
    while (screen->column < column && columns_left(screen) > 0)
        screen_put(screen, SCREEN_PLAIN, " ");
}

void screen_level(struct screen *screen, enum screen_style style, unsigned level)
{
    /* Unicode: Block Elements, lower one eighth block to full block. */
    static const char *const blocks[] = {" ",      "\u2581", "\u2582", "\u2583", "\u2584",
                                         "\u2585", "\u2586", "\u2587", "\u2588"};
    static const char ascii[] = " _.-:=+*#";
    if (columns_left(screen) == 0)
        return;
    begin_style(screen, style);
    if (screen->blocks)
        emit(screen, blocks[level]);
    else
        screen->out[screen->size++] = ascii[level];
    screen->column++;
    end_style(screen, style);
}

void screen_bar(struct screen *screen, enum screen_style style, unsigned columns, unsigned permille)
{
    if (columns < 3)
        return;
    unsigned inside = columns - 2, filled = inside * permille / 1000;
    screen_put(screen, SCREEN_PLAIN, "[");
    for (unsigned i = 0; i < inside; i++)
        screen_put(screen, i < filled ? style : SCREEN_DIM, i < filled ? "#" : "-");
    screen_put(screen, SCREEN_PLAIN, "]");
}

void screen_end_row(struct screen *screen)
{
    if (screen->row >= screen->rows)
        return;
    /* After the last column the cursor is still on it, and erasing would clear it. */
    if (columns_left(screen) > 0)
        emit(screen, "\x1b[K");
    screen->row++;
    screen->column = 0;
    /* After the last row the window would scroll. */
    if (screen->row < screen->rows)
        emit(screen, "\r\n");
}

unsigned screen_rows_left(const struct screen *screen)
{
    return screen->rows - screen->row;
}

size_t screen_end(struct screen *screen)
{
    if (screen->row < screen->rows) {
        if (screen->column > 0)
            screen_end_row(screen);
        if (screen->row < screen->rows)
            emit(screen, "\x1b[J");
    }
    emit(screen, "\x1b[?2026l");
    return screen->size;
}
