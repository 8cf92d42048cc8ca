#ifndef TERMINAL_LINE_EDITOR_H
#define TERMINAL_LINE_EDITOR_H

#include "terminal/history.h"
#include "terminal/line_layout.h"

#include <stdbool.h>
#include <stddef.h>

/* A line editor: it takes the bytes that a terminal sends and returns entered lines and drawings.
 * It makes no system call, so tests can run it without a terminal.
 *
 * The line is valid UTF-8 at all times; invalid input becomes U+FFFD. The cursor is between
 * characters: a character is a grapheme (terminal/grapheme: a code point with its combining marks,
 * a family of emoji, a flag), which is moved over, erased and drawn as one.
 *
 * Keys, as in other line editors: arrows, Home, End, Delete, Backspace; Ctrl-A and Ctrl-E move to
 * the beginning and the end; Ctrl-B, Ctrl-F, Alt-B, Alt-F (Ctrl-Left, Ctrl-Right) move by character
 * and by word; Ctrl-K and Ctrl-U kill to the end and to the beginning, Ctrl-W and Alt-Backspace the
 * word before the cursor, Alt-D the word after it; Ctrl-Y inserts what the last kills in a row
 * removed; Ctrl-T transposes; Ctrl-P, Ctrl-N, Up and Down select from the history; Ctrl-V inserts
 * the next byte as it is; Tab completes. Escape sequences without a meaning here are skipped as a
 * whole.
 *
 * A bracketed paste (CSI 200~ ... CSI 201~) is inserted as text: its newlines stay in the line,
 * shown as \n, until Enter enters all of its lines one after the other. */
struct line_editor;

enum {
    LINE_EDITOR_BYTES_MIN = 16,
    LINE_EDITOR_COLUMNS_MIN = LINE_LAYOUT_COLUMNS_MIN, /* narrower windows are drawn as this wide */
    LINE_EDITOR_COLUMNS_MAX = LINE_LAYOUT_COLUMNS_MAX, /* wider windows are drawn as this wide */
    LINE_EDITOR_DRAW_BYTES = LINE_LAYOUT_DRAW_BYTES + 1, /* with the bell */
};

/* Makes an editor for lines of at most max_bytes (>= LINE_EDITOR_BYTES_MIN); it rings the bell when
 * more is typed, and allocates nothing later. prompt is printable UTF-8. prompt and history (NULL:
 * none) must outlive the editor; entered lines are added to the history. Returns NULL when memory
 * is short. */
struct line_editor *line_editor_new(size_t max_bytes, const char *prompt, struct history *history);
void line_editor_free(struct line_editor *editor);
void line_editor_set_prompt(struct line_editor *editor, const char *prompt);

enum line_editor_event {
    LINE_EDITOR_MORE,          /* all bytes were consumed; draw, if line_editor_changed */
    LINE_EDITOR_LINE,          /* a line was entered: line_editor_line; the next one begins */
    LINE_EDITOR_END,           /* Ctrl-D on an empty line */
    LINE_EDITOR_INTERRUPT,     /* Ctrl-C; the line is kept until line_editor_clear */
    LINE_EDITOR_SUSPEND,       /* Ctrl-Z */
    LINE_EDITOR_QUIT,          /* Ctrl-\ */
    LINE_EDITOR_CLEAR_SCREEN,  /* Ctrl-L */
    LINE_EDITOR_CHOICES,       /* Tab found several completions: line_editor_choices, to be printed
                                * above the line */
    LINE_EDITOR_CURSOR_REPORT, /* the terminal answered CSI 6n: line_editor_cursor_report */
};

/* Consumes bytes up to the first event and sets *used to their number. Call it again with the rest
 * until it returns LINE_EDITOR_MORE, when *used == size. An event may also come with *used == size
 * or 0. Sequences may be divided between calls anywhere. */
enum line_editor_event line_editor_feed(struct line_editor *editor, const char *bytes, size_t size,
                                        size_t *used);

/* After LINE_EDITOR_LINE: returns the line that was entered, NUL-terminated, valid until the next
 * line_editor_feed or line_editor_free. It may contain control bytes that were pasted or quoted,
 * but no newline; the caller may change it. At other times: returns the line being typed, which the
 * caller must not change. */
char *line_editor_line(struct line_editor *editor, size_t *size);

/* Returns the cursor's offset in bytes in the line being typed. */
size_t line_editor_cursor(const struct line_editor *editor);

/* Empties the line being typed, and drops an incomplete escape sequence or paste. */
void line_editor_clear(struct line_editor *editor);

/* Returns whether the drawing has changed since the last line_editor_draw (true before the first).
 */
bool line_editor_changed(const struct line_editor *editor);

/* Draws prompt and line as one row of at most columns - 1 columns (the last stays empty, so that no
 * terminal wraps): a carriage return, the row, an erase to its end, the cursor positioned. A longer
 * line is scrolled so that the cursor is visible, with '<' and '>' in place of what is hidden. A
 * prompt that would take more than half of the row is left out. Unprintable characters are drawn as
 * \n \t \xNN in reverse video. columns may differ between calls. The cursor may be anywhere in the
 * row before; no other row is changed. out has LINE_EDITOR_DRAW_BYTES; returns the number of bytes,
 * without a NUL. */
size_t line_editor_draw(struct line_editor *editor, unsigned columns,
                        char out[LINE_EDITOR_DRAW_BYTES]);

/* After LINE_EDITOR_LINE: writes prompt and the entered line completely, over as many rows as
 * needed, without cursor movement and newline, truncated to capacity bytes. Returns the number of
 * bytes, without a NUL. */
size_t line_editor_write_entered(const struct line_editor *editor, char *out, size_t capacity);

/* Return the cursor's column (from 0) and the width in columns of the last drawing. */
unsigned line_editor_drawn_cursor(const struct line_editor *editor);
unsigned line_editor_drawn_columns(const struct line_editor *editor);

/* Computes where the cursor is after the window became narrower and the terminal wrapped the drawn
 * row into rows of columns: row below the beginning of the line and column, both from 0. */
void line_editor_wrapped_cursor(const struct line_editor *editor, unsigned columns, unsigned *row,
                                unsigned *column);

/* ---- Completion ---- */

/* The words that could replace line[begin .. cursor). */
struct line_editor_choices {
    size_t begin; /* 0 unless the callback sets it; at most the cursor */
    size_t count;
    bool partial;       /* there are more, which the callback could not get */
    const char **words; /* the callback's, valid UTF-8, until its next call; the editor removes
                         * those that do not match */
};

/* Called by line_editor_feed at a Tab, with the line up to the cursor, NUL-terminated there. The
 * callback sets choices to words that may begin with line[begin .. cursor); the editor skips the
 * others. It inserts the prefix that all of them share, and a blank after a single one. If that
 * inserts nothing, or choices are partial so that their common prefix is unknown, it returns
 * LINE_EDITOR_CHOICES. It rings the bell if there is none. */
typedef void line_editor_complete(void *state, const char *line, size_t cursor,
                                  struct line_editor_choices *choices);

/* Sets the completion callback. Without one a Tab rings the bell. */
void line_editor_set_completion(struct line_editor *editor, line_editor_complete *complete,
                                void *state);

/* After LINE_EDITOR_CHOICES, until the next line_editor_feed. */
const struct line_editor_choices *line_editor_choices(const struct line_editor *editor);

/* After LINE_EDITOR_CURSOR_REPORT: the cursor's row and column, from 1, as the terminal reported
 * them. */
void line_editor_cursor_report(const struct line_editor *editor, unsigned *row, unsigned *column);

#endif
