#ifndef TERMINAL_LINE_EDITOR_H
#define TERMINAL_LINE_EDITOR_H

#include "terminal/history.h"
#include "terminal/line_layout.h"

#include <stdbool.h>
#include <stddef.h>

/* Editing of a line: what a terminal sends goes in, lines and drawings come out. No terminal is
 * needed, and none is touched.
 *
 * The line is valid UTF-8 at all times; what comes in and isn't becomes U+FFFD. The cursor stands
 * between characters: a character is a glyph (terminal/glyph: a code point with those that join it,
 * a family of pictures, a flag), which moves, goes and is drawn as one.
 *
 * Keys, as in other editors of lines: arrows, Home, End, Delete, Backspace; Ctrl-A, -E begin and
 * end; Ctrl-B, -F, Alt-B, -F (Ctrl-Left, -Right) by character and by word; Ctrl-K, -U kill to the
 * end and to the beginning, Ctrl-W and Alt-Backspace the word before, Alt-D the word behind; Ctrl-Y
 * puts back what was killed in a row; Ctrl-T swaps; Ctrl-P, -N, Up, Down walk the history; Ctrl-V
 * takes the next byte as it is; Tab completes. Escape sequences that mean nothing here are passed
 * over whole.
 *
 * A paste in brackets (CSI 200~ ... CSI 201~) is text, whatever is in it: its newlines stand in the
 * line, shown as \n, until Enter enters them all, one line after the other. */
struct line_editor;

enum {
    LINE_EDITOR_BYTES_MIN = 16,
    LINE_EDITOR_COLUMNS_MIN = LINE_LAYOUT_COLUMNS_MIN, /* a narrower window is drawn as this one */
    LINE_EDITOR_COLUMNS_MAX = LINE_LAYOUT_COLUMNS_MAX, /* and a wider one as this */
    LINE_EDITOR_DRAW_BYTES = LINE_LAYOUT_DRAW_BYTES + 1, /* with the bell */
};

/* An editor of lines of at most max_bytes (>= LINE_EDITOR_BYTES_MIN), which rings when more is
 * typed; it allocates nothing later. prompt is printable UTF-8 and, like history (NULL: none), must
 * outlive it; entered lines are added to the history. NULL: out of memory. */
struct line_editor *line_editor_new(size_t max_bytes, const char *prompt, struct history *history);
void line_editor_free(struct line_editor *edit);
void line_editor_set_prompt(struct line_editor *edit, const char *prompt);

enum line_editor_event {
    LINE_EDITOR_MORE,      /* all bytes were taken; draw, if line_editor_changed */
    LINE_EDITOR_LINE,      /* a line was entered: line_editor_line; the next one begins */
    LINE_EDITOR_END,       /* Ctrl-D on an empty line */
    LINE_EDITOR_INTERRUPT, /* Ctrl-C; the line is still there: line_editor_clear */
    LINE_EDITOR_SUSPEND,   /* Ctrl-Z */
    LINE_EDITOR_QUIT,      /* Ctrl-\ */
    LINE_EDITOR_REFRESH,   /* Ctrl-L: the screen is to be cleared */
    LINE_EDITOR_CHOICES,   /* Tab had several: line_editor_choices, to be printed above the line */
    LINE_EDITOR_POSITION,  /* the terminal answered CSI 6n: line_editor_position */
};

/* Takes bytes up to the first that makes something for the caller to do; *used of them were taken.
 * To be called again with the rest until it returns LINE_EDITOR_MORE (which is when *used == size;
 * an event may come with *used == size, or 0, too). Sequences may be cut anywhere. */
enum line_editor_event line_editor_feed(struct line_editor *edit, const char *bytes, size_t size,
                                        size_t *used);

/* Behind LINE_EDITOR_LINE: the line that was entered, NUL-terminated (it may hold other control
 * bytes if they were pasted or quoted, but no newline), until the next line_editor_feed or
 * line_editor_free. The caller may change it. Otherwise: the line being typed, which is not to be
 * changed. */
char *line_editor_line(struct line_editor *edit, size_t *size);

/* The cursor, in bytes from the beginning of the line being typed. */
size_t line_editor_cursor(const struct line_editor *edit);

/* Empties the line being typed, and forgets an escape sequence or paste at hand. */
void line_editor_clear(struct line_editor *edit);

/* Whether the drawing is another since the last line_editor_draw (or none was made yet). */
bool line_editor_changed(const struct line_editor *edit);

/* Draws prompt and line as one row of at most columns - 1 columns (the last stays free, so that no
 * terminal wraps): a carriage return, the row, erasure of what is behind it, the cursor put in its
 * place. A line that is longer is scrolled so that the cursor shows, '<' and '>' standing for what
 * is cut; a prompt that would take more than half is left out. What doesn't just show is drawn as
 * \n \t \xNN in reverse. columns may be another at each call. The cursor may stand on any row's
 * place; nothing below or above is touched. out has room for LINE_EDITOR_DRAW_BYTES; returns the
 * length, without a NUL. */
size_t line_editor_draw(struct line_editor *edit, unsigned columns,
                        char out[LINE_EDITOR_DRAW_BYTES]);

/* Behind LINE_EDITOR_LINE: writes prompt and the entered line whole, for the record above: no
 * positioning, no newline, however many rows it takes; cut where room ends. Returns the length,
 * without a NUL. */
size_t line_editor_write_entered(const struct line_editor *edit, char *out, size_t room);

/* Where the last drawing left the cursor, and how many columns it took, from 0. */
unsigned line_editor_drawn_cursor(const struct line_editor *edit);
unsigned line_editor_drawn_columns(const struct line_editor *edit);

/* Where the cursor stands in a window that was made narrower since, if its terminal broke the row
 * that was drawn into rows of columns: below the row's beginning, and in its own row, from 0. */
void line_editor_wrapped(const struct line_editor *edit, unsigned columns, unsigned *row,
                         unsigned *column);

/* ---- Completion ---- */

/* What could stand in place of line[begin .. cursor). */
struct line_editor_choices {
    size_t begin; /* 0 unless the hook sets it; at most the cursor */
    size_t count;
    bool partial;       /* there are more, which the hook couldn't get */
    const char **words; /* the hook's, valid UTF-8, until it is called again; those that are passed
                         * over are taken out */
};

/* Called by line_editor_feed at a Tab, with the line up to the cursor (NUL-terminated there). It
 * fills choices in with words that begin with what stands from begin on; others are passed over.
 * What all have in common is put in, a blank behind the only one; where that adds nothing, or
 * nobody knows what all have in common because they are partial, LINE_EDITOR_CHOICES comes (or a
 * bell, if there is none). */
typedef void line_editor_complete(void *state, const char *line, size_t cursor,
                                  struct line_editor_choices *choices);

/* Without a hook a Tab rings. */
void line_editor_set_completion(struct line_editor *edit, line_editor_complete *complete,
                                void *state);

/* Behind LINE_EDITOR_CHOICES, until the next line_editor_feed. */
const struct line_editor_choices *line_editor_choices(const struct line_editor *edit);

/* Behind LINE_EDITOR_POSITION: the cursor's row and column, from 1, as the terminal says. */
void line_editor_position(const struct line_editor *edit, unsigned *row, unsigned *column);

#endif
