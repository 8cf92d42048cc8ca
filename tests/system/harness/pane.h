#ifndef SYSTEM_PANE_H
#define SYSTEM_PANE_H

#include "harness.h"

/* A terminal that tests type into and look at: tmux, with a server, a socket and a configuration of
 * its own, which go with the test. What is awaited is looked for again and again, for
 * HARNESS_DEADLINE_MS at most. */

struct pane {
    struct process server;
    const char *socket;
};

/* Skips the test if tmux isn't there. */
void pane_need_tmux(void);

/* Opens a terminal of that size, in which a shell runs command, a line of sh. Behind it the screen
 * says "status N", and "terminal as before" if `stty -a` says the same as before it, or else
 * "terminal differs". */
void pane_open(struct pane *pane, unsigned columns, unsigned rows, const char *command);

/* Types text as it is; presses keys by tmux's names ("Enter", "C-c", "Tab"). */
void pane_type(struct pane *pane, const char *text);
void pane_press(struct pane *pane, const char *key);
void pane_resize(struct pane *pane, unsigned columns, unsigned rows);

/* The screen as it is: its rows, without blanks at their ends. */
const char *pane_text(struct pane *pane);

/* Waits until text is on the screen, or no longer; returns the screen. */
const char *pane_await(struct pane *pane, const char *text);
const char *pane_await_gone(struct pane *pane, const char *text);

/* Waits for the command's end, with that status, and the terminal as it was. Returns the screen. */
const char *pane_expect_end(struct pane *pane, int status);

/* The command's end at once, and the next command with a terminal of its own. */
void pane_close(struct pane *pane);

#endif
