#ifndef NET_CONSOLE_H
#define NET_CONSOLE_H

#include "core/lineedit.h"
#include "net/loop.h"

#include <stddef.h>

/* A conversation at the terminal: a line is edited at the bottom while anything is printed above
 * it. Joins core/lineedit and net/terminal in a loop, over standard input and output. It takes the
 * loop's signals (terminal_signals). */
struct console;

struct console_handler {
    /* A line was entered; it may be changed in place. What is printed meanwhile appears below it.
     */
    void (*line)(void *state, char *line, size_t size);
    /* No more lines: Ctrl-D (or the terminal's hangup), SIGHUP and SIGTERM (signal says which;
     * Ctrl-D: 0), or Ctrl-C on an empty line and SIGINT. Called once; nothing is read afterwards.
     */
    void (*end)(void *state, int signal);
    lineedit_complete *complete; /* or NULL */
    void *state;
};

/* Opens it, with an empty line and prompt, on a terminal of which terminal_can_edit says so.
 * prompt, history (or NULL) and handler must outlive it. 0 or -errno. */
int console_open(struct console **console, struct loop *loop, const char *prompt,
                 struct history *history, size_t line_max_bytes,
                 const struct console_handler *handler);

/* Leaves the terminal as it was, behind the line at hand. NULL is fine. */
void console_close(struct console *console);

/* Takes the line away, so that whole lines can be printed to stdout or stderr, and brings it back
 * as it was, cursor and all, the next time that the loop waits. May be repeated; NULL is fine. */
void console_hide(struct console *console);

/* Stops reading, with the line taken away, and goes on. What is typed meanwhile waits. 0 or -errno.
 */
void console_pause(struct console *console);
int console_resume(struct console *console);

#endif
