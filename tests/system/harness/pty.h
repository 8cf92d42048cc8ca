#ifndef SYSTEM_PTY_H
#define SYSTEM_PTY_H

#include "harness.h"

/* Pseudo-terminals: runs a program at a terminal, types keys, reads what the program writes,
 * compares the terminal's modes, and closes or blocks the terminal. */

struct pty {
    int controller; /* -1 after pty_hang_up */
    int terminal;   /* keeps the terminal open, so that its modes can be read after the program */
    const char *name;
};

void pty_open(struct pty *pty);
void pty_close(struct pty *pty);

/* Starts a program at the terminal, in a session of its own. prepare, or NULL, runs in the child
 * before: pty_ignore_hangup, as nohup(1) does; pty_not_controlling, for a terminal that is not the
 * controlling terminal, so that no signal reports its end; pty_set_dumb, for TERM=dumb. */
void pty_start(const struct pty *pty, struct process *process, harness_prepare *prepare,
               const char *const *argv);
void pty_ignore_hangup(void);
void pty_not_controlling(void);
void pty_set_dumb(void);

/* Types keys. */
void pty_type(const struct pty *pty, const char *keys);

/* Reads the program's output until it contains text, and the rest of that line if it is there by
 * then; returns everything that was read. */
const char *pty_await(const struct pty *pty, const char *text);

/* Fills the terminal's buffer, so that further writes to the terminal block. */
void pty_fill(const struct pty *pty);

/* Returns the output of `stty -a`. */
const char *pty_modes(const struct pty *pty);

/* Closes the terminal, as when its window is closed. */
void pty_hang_up(struct pty *pty);

#ifndef HARNESS_INTERNAL
#define pty_await(...) HERE(pty_await(__VA_ARGS__))
#endif

#endif
