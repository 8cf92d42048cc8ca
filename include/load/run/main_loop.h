#ifndef LOAD_RUN_MAIN_LOOP_H
#define LOAD_RUN_MAIN_LOOP_H

#include "os/loop/mailbox.h"

#include <stdbool.h>

/* The main thread's event loop, its mailbox, and the handling of Ctrl-C, shared by all runs of the
 * program. Used by the main thread. */
struct main_loop {
    struct loop *loop;
    struct mailbox *mailbox;
    /* Number of SIGINT and SIGTERM received; within 100 ms they count as one. A SIGHUP counts only
     * if it is the first: a terminal that is closed may send several. */
    int interrupts;
    uint64_t interrupted_ns;
    int signal; /* the last one; 0: none */
    /* Called for each interrupt; NULL while no run is active. */
    void (*interrupted)(void *state, int times);
    void *state;
};

/* Opens the loop and takes SIGINT, SIGTERM and SIGHUP over: they no longer end the process, unless
 * a write is blocked, as by a stopped terminal, so that the loop cannot read a SIGTERM or SIGHUP
 * (os/process/forced_exit). Call it before any thread is started. Returns 0 or -errno. */
int main_loop_open(struct main_loop *main_loop);

/* While deferred, not even such a signal ends the process: a result is computed or written to a
 * file. */
void main_loop_defer_forced_exit(bool deferred);

/* Ends the deferral. After an interrupt, from before or from now on, writing to the descriptor
 * output, if it is a terminal, may block for half a second at most. */
void main_loop_limit_output(const struct main_loop *main_loop, int output);

/* Gives the signals back: they end the process again, but for a SIGHUP after an interrupt. A signal
 * that was received and not yet handled ends the process here. Then as main_loop_limit_output. */
void main_loop_release_signals(struct main_loop *main_loop, int output);
void main_loop_close(struct main_loop *main_loop);

#endif
