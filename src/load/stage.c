/* Where runs take place. */
#include "load/stage.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>

static void caught(void *state, int signal)
{
    struct stage *stage = state;
    (void)signal;
    stage->interrupts++;
    if (stage->interrupted)
        stage->interrupted(stage->state, stage->interrupts);
}

int stage_open(struct stage *stage)
{
    static const int signals[] = {SIGINT, SIGTERM, 0};
    *stage = (struct stage){.loop = loop_new()};
    if (!stage->loop)
        return -errno;
    stage->mailbox = mailbox_new(stage->loop);
    int error = stage->mailbox ? loop_signals(stage->loop, signals, caught, stage) : -errno;
    if (error)
        stage_close(stage);
    return error;
}

void stage_close(struct stage *stage)
{
    mailbox_free(stage->mailbox);
    loop_free(stage->loop);
}
