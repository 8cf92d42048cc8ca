#ifndef OS_TERMINAL_CONSOLE_H
#define OS_TERMINAL_CONSOLE_H

#include "os/loop/event_loop.h"
#include "terminal/line_editor.h"

#include <stddef.h>

/* A conversation at the terminal: a line is edited at the bottom while anything is printed above
 * it. Joins terminal/line_editor and os/terminal/raw_terminal in a loop, over standard input and
 * output. It takes the loop's signals (terminal_signals). */
struct console;

struct console_handler {
    /* A line was entered; it may be changed in place. What is printed meanwhile appears below it.
     */
    void (*line)(void *state, char *line, size_t size);
    /* No more lines come: Ctrl-D on an empty line (signal 0); Ctrl-C on an empty line (SIGINT); the
     * terminal is gone (SIGHUP); SIGINT, SIGTERM, SIGHUP. The terminal is as before by then. Called
     * again for each signal that comes later. */
    void (*end)(void *state, int signal);
    line_editor_complete *complete; /* or NULL */
    void *state;
};

/* Opens it, with an empty line and prompt, on a terminal of which terminal_can_edit says so.
 * prompt, history (or NULL) and handler must outlive it. 0 or -errno. */
int console_open(struct console **console, struct loop *loop, const char *prompt,
                 struct history *history, size_t line_max_bytes,
                 const struct console_handler *handler);

/* Ends it without calling anybody: the terminal is as before, nothing is read any more. The line at
 * hand stays on the screen, an empty one goes. May be repeated; NULL is fine. */
void console_end(struct console *console);

/* Frees it, ended or not; once the loop doesn't run any more. NULL is fine. */
void console_free(struct console *console);

/* Takes the line away, so that whole lines can be printed to stdout (or, behind a flush of that, to
 * stderr), and brings it back as it was, cursor and all, the next time that the loop waits. May be
 * repeated; NULL is fine. */
void console_hide(struct console *console);

/* Hands out no more lines, with the line taken away, until console_resume. Keys wait meanwhile, but
 * Ctrl-C ends, and Ctrl-Z suspends. */
void console_pause(struct console *console);
void console_resume(struct console *console);

/* Lends the terminal, as it was before, to whoever runs now, in a line's callback, and takes it
 * back: what came in between from Ctrl-C was not for us. 0 or -errno. */
void console_lend(struct console *console);
int console_take_back(struct console *console);

#endif
