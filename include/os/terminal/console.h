#ifndef OS_TERMINAL_CONSOLE_H
#define OS_TERMINAL_CONSOLE_H

#include "os/loop/event_loop.h"
#include "terminal/line_editor.h"

#include <stddef.h>

/* A prompt at the terminal: a line is edited in the last row while the program prints lines above
 * it. Runs terminal/line_editor in raw mode (os/terminal/raw_mode) in an event loop, on standard
 * input and output. It handles the loop's signals (raw_mode_signals). */
struct console;

struct console_handler {
    /* A line was entered. The callback may change it. What it prints appears below the line. */
    void (*line)(void *state, char *line, size_t size);
    /* There will be no more lines: Ctrl-D on an empty line (why is 0); Ctrl-C on an empty line
     * (SIGINT); the terminal was closed (SIGHUP); SIGINT, SIGTERM, SIGHUP was received; or the
     * terminal cannot be used any more (-errno). The terminal's mode is restored before. Called
     * again for each later signal. */
    void (*end)(void *state, int why);
    line_editor_complete *complete; /* or NULL */
    void *state;
};

/* Opens a console with an empty line, on a terminal for which terminal_can_edit returned true.
 * prompt, history (or NULL) and handler must outlive it. Returns 0, or -errno. */
int console_open(struct console **console, struct loop *loop, const char *prompt,
                 struct history *history, size_t line_max_bytes,
                 const struct console_handler *handler);

/* Restores the terminal's mode and stops reading, without calling the handler. A line being typed
 * stays on the screen; an empty one is erased. May be repeated; NULL is allowed. */
void console_close(struct console *console);

/* Closes the console if necessary, and frees it. Call it after the loop has ended; NULL is allowed.
 */
void console_free(struct console *console);

/* Erases the line, so that whole lines can be printed to stdout (or, after a flush of stdout, to
 * stderr). It is drawn again, with its cursor, before the loop waits the next time. May be
 * repeated; NULL is allowed. */
void console_hide(struct console *console);

/* Pausing erases the line and delivers no more lines until console_resume. Keys are kept meanwhile,
 * except that Ctrl-C ends and Ctrl-Z suspends the program at once. NULL is allowed. */
void console_pause(struct console *console);
void console_resume(struct console *console);

/* For a line's callback that uses the terminal itself: the first function restores the terminal's
 * mode, the second one enters raw mode again and drops a SIGINT that came in between. Returns 0, or
 * -errno. */
void console_lend_terminal(struct console *console);
int console_take_terminal_back(struct console *console);

#endif
