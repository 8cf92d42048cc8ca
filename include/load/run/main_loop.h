#ifndef LOAD_RUN_MAIN_LOOP_H
#define LOAD_RUN_MAIN_LOOP_H

#include "os/loop/thread.h"

#include <stdbool.h>

/* What the runs of a program share: the main thread's loop, letters to it, and Ctrl-C. */
struct main_loop {
    struct loop *loop;
    struct mailbox *mailbox;
    int interrupts; /* how often SIGINT or SIGTERM came; within 100 ms they are one. A SIGHUP counts
                       as the first of them only: a terminal that goes away may send several */
    uint64_t interrupted_ns;
    int signal; /* the last of them; 0: none came */
    /* The run at hand is told of each; NULL: none is at hand. */
    void (*interrupted)(void *state, int times);
    void *state;
};

/* From here on SIGINT, SIGTERM and SIGHUP end nothing by themselves, unless the loop can't take a
 * SIGTERM or SIGHUP since a write is blocked, as by a terminal that is stopped
 * (os/process/forced_exit). Before threads are started. 0 or -errno. */
int main_loop_open(struct main_loop *stage);
/* While held, not even then: a result is made, or written into files. */
void main_loop_hold(bool held);
/* After one that was told, the descriptor output, if it is a terminal, is not waited for any longer
 * than half a second; nor after one that comes from now on. */
void main_loop_hurry(const struct main_loop *stage, int output);
/* They do again, but for a SIGHUP behind another of them. One that has come and was not yet told
 * ends the process here. Then as main_loop_hurry. */
void main_loop_release(struct main_loop *stage, int output);
void main_loop_close(struct main_loop *stage);

#endif
