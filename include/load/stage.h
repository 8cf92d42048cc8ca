#ifndef LOAD_STAGE_H
#define LOAD_STAGE_H

#include "net/thread.h"

#include <stdbool.h>

/* What the runs of a program share: the main thread's loop, letters to it, and Ctrl-C. */
struct stage {
    struct loop *loop;
    struct mailbox *mailbox;
    int interrupts; /* how often SIGINT or SIGTERM came; within 100 ms they are one */
    uint64_t interrupted_ns;
    /* The run at hand is told of each; NULL: none is at hand. */
    void (*interrupted)(void *state, int times);
    void *state;
};

/* From here on SIGINT and SIGTERM end nothing by themselves. Before threads are started. 0 or
 * -errno. */
int stage_open(struct stage *stage);
void stage_close(struct stage *stage);

#endif
