#ifndef SYSTEM_PTY_H
#define SYSTEM_PTY_H

#include "harness.h"

/* A terminal without a screen: what a program sends it can be read, its modes can be compared, and
 * it can be taken away. */

struct pty {
    int controller; /* -1 once it was taken away */
    int kept;       /* the terminal's own side, which would go with the last who has it open */
    const char *name;
};

void pty_open(struct pty *pty);
void pty_close(struct pty *pty);

/* Starts a program at the terminal, in a session of its own. prepare, or NULL, runs in it before:
 * pty_ignore_hangup, as nohup(1) does; pty_stand_apart, for a terminal that isn't the session's,
 * whose end no signal tells; pty_be_dumb, for TERM=dumb. */
void pty_start(const struct pty *pty, struct process *process, harness_prepare *prepare,
               const char *const *argv);
void pty_ignore_hangup(void);
void pty_stand_apart(void);
void pty_be_dumb(void);

/* Types keys. */
void pty_type(const struct pty *pty, const char *keys);

/* Reads what the terminal is sent until it was sent text, and the rest of that line if there is one
 * by then; returns it all. */
const char *pty_await(const struct pty *pty, const char *text);

/* Stops the terminal as if it was not read any more: it takes nothing from here on. */
void pty_fill(const struct pty *pty);

/* What `stty -a` says. */
const char *pty_modes(const struct pty *pty);

/* The terminal is gone, as when its window is closed. */
void pty_hang_up(struct pty *pty);

#ifndef HARNESS_INTERNAL
#define pty_await(...) HERE(pty_await(__VA_ARGS__))
#endif

#endif
