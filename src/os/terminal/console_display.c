#include "os/terminal/console_display.h"

#include "os/terminal/terminal_capabilities.h"
#include "terminal/grapheme.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Long rows are truncated, or wrapped (DECAWM). */
#define WRAP_OFF "\x1b[?7l"
#define WRAP_ON  "\x1b[?7h"

enum {
    CHOICES_WITHOUT_QUESTION_MAX = 100, /* listed without a question if they fit into the window */
};

_Static_assert((int)CONSOLE_DISPLAY_BYTES >= (int)LINE_EDITOR_DRAW_BYTES, "a drawing fits");

static unsigned window_columns(void)
{
    return terminal_size(STDOUT_FILENO).columns;
}

static void print(const char *text, size_t size)
{
    fwrite(text, 1, size, stdout);
}

/* ---- The line ---- */

bool console_display_is_outdated(const struct console_display *display)
{
    return !display->shown || line_editor_changed(display->editor);
}

/* Wrapping is off, since the window may already be narrower than its reported size: the row is then
 * truncated. A wrapped line would take several rows without this module knowing it. */
void console_display_draw(struct console_display *display)
{
    unsigned columns = window_columns();
    fputs(WRAP_OFF, stdout);
    if (display->asking)
        printf("\r%zu possibilities: show them all? (y or n)\x1b[K",
               line_editor_choices(display->editor)->count);
    else
        print(display->drawing, line_editor_draw(display->editor, columns, display->drawing));
    fputs(WRAP_ON, stdout);
    fflush(stdout);
    display->shown = true;
}

void console_display_erase(struct console_display *display)
{
    if (display->shown)
        fputs("\r\x1b[K", stdout);
    display->shown = false;
}

void console_display_keep_line(struct console_display *display, const char *mark)
{
    display->shown = display->shown && !display->asking;
    display->asking = false;
    if (console_display_is_outdated(display))
        console_display_draw(display);
    unsigned columns = line_editor_drawn_columns(display->editor);
    char end[24] = "\r";
    if (columns)
        snprintf(end, sizeof end, "\r\x1b[%uC", columns);
    printf("%s%s\n", end, mark);
    fflush(stdout);
    display->shown = false;
}

void console_display_keep_entered(struct console_display *display)
{
    size_t size =
        line_editor_write_entered(display->editor, display->drawing, CONSOLE_DISPLAY_BYTES);
    console_display_erase(display);
    print(display->drawing, size);
    fputs("\n", stdout);
}

/* ---- Resizing ---- */

/* Draws at the beginning of the line, and erases the rest of it in the rows below. Does not erase
 * everything from the cursor on: if that is the whole screen, tmux moves it into its history. */
static void redraw_over_rest(struct console_display *display)
{
    fputs("\r\x1b[K\x1b"
          "7\x1b[B\x1b[J\x1b"
          "8",
          stdout);
    console_display_draw(display);
}

/* Most terminals wrap the rows that became too long, so that the line begins above the cursor's
 * row; some truncate them. Where that makes a difference, the terminal is asked for the cursor's
 * position. */
void console_display_resize(struct console_display *display)
{
    unsigned row, column;
    if (!display->shown)
        return;
    line_editor_wrapped_cursor(display->editor, window_columns(), &row, &column);
    if (row == 0 || display->asking) {
        redraw_over_rest(display);
        return;
    }
    display->cursor_queries++;
    fputs("\x1b[6n", stdout);
    fflush(stdout);
}

void console_display_handle_cursor_report(struct console_display *display)
{
    unsigned columns = window_columns(), row, column, reported_row, reported_column;
    /* Only the last of several answers is about the current window. */
    if (display->cursor_queries == 0 || --display->cursor_queries > 0 || !display->shown ||
        display->asking)
        return;
    line_editor_wrapped_cursor(display->editor, columns, &row, &column);
    line_editor_cursor_report(display->editor, &reported_row, &reported_column);
    bool wrapped = reported_column != columns || column + 1 == columns;
    if (wrapped && row > 0)
        printf("\x1b[%uA", row);
    redraw_over_rest(display);
}

/* ---- Choices ---- */

/* Returns the columns of the widest choice, with two blanks after it. */
static size_t column_width(const struct line_editor_choices *choices)
{
    size_t widest = 0;
    for (size_t i = 0; i < choices->count; i++) {
        size_t width = grapheme_text_columns(choices->words[i], strlen(choices->words[i]));
        widest = width > widest ? width : widest;
    }
    return widest + 2;
}

static void list_choices(struct console_display *display)
{
    const struct line_editor_choices *choices = line_editor_choices(display->editor);
    size_t columns = window_columns(), width = column_width(choices), used = 0;
    console_display_keep_line(display, "");
    for (size_t i = 0; i < choices->count; i++) {
        const char *word = choices->words[i];
        if (used && used + width > columns) {
            fputs("\n", stdout);
            used = 0;
        }
        printf("%s%*s", word, (int)(width - grapheme_text_columns(word, strlen(word))), "");
        used += width;
    }
    puts(choices->partial ? "\n... and others: type more of the word" : "");
}

void console_display_offer_choices(struct console_display *display)
{
    const struct line_editor_choices *choices = line_editor_choices(display->editor);
    struct terminal_size size = terminal_size(STDOUT_FILENO);
    size_t width = column_width(choices), in_row = size.columns > width ? size.columns / width : 1;
    size_t rows = (choices->count + in_row - 1) / in_row;
    display->asking = choices->count > CHOICES_WITHOUT_QUESTION_MAX || rows + 2 > size.rows;
    if (display->asking)
        display->shown = false;
    else
        list_choices(display);
}

bool console_display_answer(struct console_display *display, char key)
{
    bool yes = memchr("yY \t", key, 4) != NULL, no = memchr("nN\x03\x07\x08\x7f", key, 6) != NULL;
    if (yes)
        list_choices(display);
    display->asking = display->shown = false;
    return yes || no;
}
