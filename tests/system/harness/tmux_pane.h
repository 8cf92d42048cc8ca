#ifndef SYSTEM_TMUX_PANE_H
#define SYSTEM_TMUX_PANE_H

#include "harness.h"

/* Runs one shell command in a terminal of tmux, types into it and reads its screen. The tmux
 * server, its socket and its configuration belong to the test and are removed at its end. The
 * functions that await something poll the screen for at most HARNESS_DEADLINE_MS. */

struct pane {
    struct process server;
    const char *socket;
};

/* Skips the test if tmux is not installed. */
void pane_need_tmux(void);

/* Opens a terminal of that size, in which sh runs the command line. After its end the screen shows
 * "status N", and "terminal as before" if the output of `stty -a` is the same as before the
 * command, otherwise "terminal differs". */
void pane_open(struct pane *pane, unsigned columns, unsigned rows, const char *command);

/* Types text as it is; presses keys by tmux's names ("Enter", "C-c", "Tab"). */
void pane_type(struct pane *pane, const char *text);
void pane_press(struct pane *pane, const char *key);
void pane_resize(struct pane *pane, unsigned columns, unsigned rows);

/* Returns the rows of the screen, without blanks at their ends. */
const char *pane_text(struct pane *pane);

/* Wait until text is on the screen, or no longer on it; return the screen. */
const char *pane_await(struct pane *pane, const char *text);
const char *pane_await_gone(struct pane *pane, const char *text);

/* Waits until the command has ended, and expects the status and an unchanged terminal. Returns the
 * screen. */
const char *pane_expect_end(struct pane *pane, int status);

/* Kills the command and the tmux server. */
void pane_close(struct pane *pane);

#endif
