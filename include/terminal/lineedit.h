#ifndef TERMINAL_LINEEDIT_H
#define TERMINAL_LINEEDIT_H

#include "terminal/history.h"
#include "terminal/lineview.h"

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
struct lineedit;

enum {
    LINEEDIT_BYTES_MIN = 16,
    LINEEDIT_COLUMNS_MIN = LINEVIEW_COLUMNS_MIN,   /* a narrower window is drawn as this one */
    LINEEDIT_COLUMNS_MAX = LINEVIEW_COLUMNS_MAX,   /* and a wider one as this */
    LINEEDIT_DRAW_BYTES = LINEVIEW_DRAW_BYTES + 1, /* with the bell */
};

/* An editor of lines of at most max_bytes (>= LINEEDIT_BYTES_MIN), which rings when more is typed;
 * it allocates nothing later. prompt is printable UTF-8 and, like history (NULL: none), must
 * outlive it; entered lines are added to the history. NULL: out of memory. */
struct lineedit *lineedit_new(size_t max_bytes, const char *prompt, struct history *history);
void lineedit_free(struct lineedit *edit);
void lineedit_set_prompt(struct lineedit *edit, const char *prompt);

enum lineedit_event {
    LINEEDIT_MORE,      /* all bytes were taken; draw, if lineedit_changed */
    LINEEDIT_LINE,      /* a line was entered: lineedit_line; the next one begins */
    LINEEDIT_END,       /* Ctrl-D on an empty line */
    LINEEDIT_INTERRUPT, /* Ctrl-C; the line is still there: lineedit_clear */
    LINEEDIT_SUSPEND,   /* Ctrl-Z */
    LINEEDIT_QUIT,      /* Ctrl-\ */
    LINEEDIT_REFRESH,   /* Ctrl-L: the screen is to be cleared */
    LINEEDIT_CHOICES,   /* Tab had several: lineedit_choices, to be printed above the line */
    LINEEDIT_POSITION,  /* the terminal answered CSI 6n: lineedit_position */
};

/* Takes bytes up to the first that makes something for the caller to do; *used of them were taken.
 * To be called again with the rest until it returns LINEEDIT_MORE (which is when *used == size; an
 * event may come with *used == size, or 0, too). Sequences may be cut anywhere. */
enum lineedit_event lineedit_feed(struct lineedit *edit, const char *bytes, size_t size,
                                  size_t *used);

/* Behind LINEEDIT_LINE: the line that was entered, NUL-terminated (it may hold other control bytes
 * if they were pasted or quoted, but no newline), until the next lineedit_feed or lineedit_free.
 * The caller may change it. Otherwise: the line being typed, which is not to be changed. */
char *lineedit_line(struct lineedit *edit, size_t *size);

/* The cursor, in bytes from the beginning of the line being typed. */
size_t lineedit_cursor(const struct lineedit *edit);

/* Empties the line being typed, and forgets an escape sequence or paste at hand. */
void lineedit_clear(struct lineedit *edit);

/* Whether the drawing is another since the last lineedit_draw (or none was made yet). */
bool lineedit_changed(const struct lineedit *edit);

/* Draws prompt and line as one row of at most columns - 1 columns (the last stays free, so that no
 * terminal wraps): a carriage return, the row, erasure of what is behind it, the cursor put in its
 * place. A line that is longer is scrolled so that the cursor shows, '<' and '>' standing for what
 * is cut; a prompt that would take more than half is left out. What doesn't just show is drawn as
 * \n \t \xNN in reverse. columns may be another at each call. The cursor may stand on any row's
 * place; nothing below or above is touched. out has room for LINEEDIT_DRAW_BYTES; returns the
 * length, without a NUL. */
size_t lineedit_draw(struct lineedit *edit, unsigned columns, char out[LINEEDIT_DRAW_BYTES]);

/* Behind LINEEDIT_LINE: writes prompt and the entered line whole, for the record above: no
 * positioning, no newline, however many rows it takes; cut where room ends. Returns the length,
 * without a NUL. */
size_t lineedit_write_entered(const struct lineedit *edit, char *out, size_t room);

/* Where the last drawing left the cursor, and how many columns it took, from 0. */
unsigned lineedit_drawn_cursor(const struct lineedit *edit);
unsigned lineedit_drawn_columns(const struct lineedit *edit);

/* Where the cursor stands in a window that was made narrower since, if its terminal broke the row
 * that was drawn into rows of columns: below the row's beginning, and in its own row, from 0. */
void lineedit_wrapped(const struct lineedit *edit, unsigned columns, unsigned *row,
                      unsigned *column);

/* ---- Completion ---- */

/* What could stand in place of line[begin .. cursor). */
struct lineedit_choices {
    size_t begin; /* 0 unless the hook sets it; at most the cursor */
    size_t count;
    bool partial;       /* there are more, which the hook couldn't get */
    const char **words; /* the hook's, valid UTF-8, until it is called again; those that are passed
                         * over are taken out */
};

/* Called by lineedit_feed at a Tab, with the line up to the cursor (NUL-terminated there). It fills
 * choices in with words that begin with what stands from begin on; others are passed over. What all
 * have in common is put in, a blank behind the only one; where that adds nothing, or nobody knows
 * what all have in common because they are partial, LINEEDIT_CHOICES comes (or a bell, if there is
 * none). */
typedef void lineedit_complete(void *state, const char *line, size_t cursor,
                               struct lineedit_choices *choices);

/* Without a hook a Tab rings. */
void lineedit_set_completion(struct lineedit *edit, lineedit_complete *complete, void *state);

/* Behind LINEEDIT_CHOICES, until the next lineedit_feed. */
const struct lineedit_choices *lineedit_choices(const struct lineedit *edit);

/* Behind LINEEDIT_POSITION: the cursor's row and column, from 1, as the terminal says. */
void lineedit_position(const struct lineedit *edit, unsigned *row, unsigned *column);

#endif
