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

/* Opens the loop and takes SIGINT, SIGTERM and SIGHUP over: they no longer end the process.
 * Exception: while a blocked write (to a stopped terminal, for example) keeps the loop from
 * handling a SIGTERM or SIGHUP, that signal ends it (os/process/forced_exit). Call it before any
 * thread is started. Returns 0 or -errno. */
int main_loop_open(struct main_loop *main_loop);

/* While deferred, not even such a signal ends the process. For the time in which a result is
 * computed or written to a file. */
void main_loop_defer_forced_exit(bool deferred);

/* Ends the deferral. If output is a descriptor of a terminal, writing to it may block for at most
 * half a second after an interrupt, whether that has come already or comes later. */
void main_loop_limit_output(const struct main_loop *main_loop, int output);

/* Gives the signals back: they end the process again, except a SIGHUP after an interrupt. A signal
 * that was received and not yet handled ends the process here. Then does what
 * main_loop_limit_output does. */
void main_loop_release_signals(struct main_loop *main_loop, int output);
void main_loop_close(struct main_loop *main_loop);

#endif
