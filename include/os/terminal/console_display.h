#ifndef OS_TERMINAL_CONSOLE_DISPLAY_H
#define OS_TERMINAL_CONSOLE_DISPLAY_H

#include "terminal/line_editor.h"

#include <stdbool.h>

/* Shows the edited line of a console on standard output: draws and erases it, redraws it after the
 * window was resized, and lists the choices of a completion above it. */

enum {
    /* An entered line is shown up to the size of a datagram. Every drawing is smaller. */
    CONSOLE_DISPLAY_BYTES = 64 << 10,
};

struct console_display {
    struct line_editor *editor;
    bool shown;  /* the line (or the question) is on the screen as last drawn */
    bool asking; /* instead of the line, the question whether to list all choices is shown */
    unsigned cursor_queries; /* CSI 6n that the terminal has not answered yet */
    char drawing[CONSOLE_DISPLAY_BYTES];
};

/* Returns whether the line has to be drawn: it is not shown, or has changed. */
bool console_display_is_outdated(const struct console_display *display);
/* Draws the line, or the question, and flushes standard output. */
void console_display_draw(struct console_display *display);
/* Erases the line, if it is shown. */
void console_display_erase(struct console_display *display);
/* Keeps the line on the screen, with mark ("^C") at its end, and moves to the next row. */
void console_display_keep_line(struct console_display *display, const char *mark);
/* Keeps an entered line on the screen, completely, and moves to the next row. */
void console_display_keep_entered(struct console_display *display);

/* Redraws the line in a window that was resized, if necessary after asking the terminal where the
 * cursor is; its answer (LINE_EDITOR_CURSOR_REPORT) is handled by the second function. */
void console_display_resize(struct console_display *display);
void console_display_handle_cursor_report(struct console_display *display);

/* Lists the choices of a completion; if there are many, asks first whether to list them. */
void console_display_offer_choices(struct console_display *display);
/* Takes a key as the answer to that question. Returns false if the key is not an answer but input
 * for the line. */
bool console_display_answer(struct console_display *display, char key);

#endif
