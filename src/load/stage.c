/* Where runs take place. */
#include "load/stage.h"

#include "net/clock.h"
#include "net/force_exit.h"
#include "net/loop.h"
#include "net/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>

/* timeout(1) signals its child and then its group, which the child is in, too; nobody presses
 * Ctrl-C twice so fast. */
static const uint64_t SAME_NS = 100 * 1000 * 1000;

static void caught(void *state, int signal)
{
    struct stage *stage = state;
    uint64_t now_ns = clock_now_ns();
    bool same = now_ns - stage->interrupted_ns < SAME_NS || signal == SIGHUP;
    stage->signal = signal;
    if (stage->interrupts > 0 && same)
        return;
    stage->interrupted_ns = now_ns;
    stage->interrupts++;
    if (stage->interrupted)
        stage->interrupted(stage->state, stage->interrupts);
}

int stage_open(struct stage *stage)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, 0};
    *stage = (struct stage){.loop = loop_new()};
    if (!stage->loop)
        return -errno;
    stage->mailbox = mailbox_new(stage->loop);
    int error = stage->mailbox ? loop_signals(stage->loop, signals, caught, stage) : -errno;
    if (error)
        stage_close(stage);
    else
        force_exit_start();
    return error;
}

void stage_hold(bool held)
{
    force_exit_hold(held);
}

void stage_hurry(const struct stage *stage, int output)
{
    force_exit_hold(false);
    if (terminal_is(output))
        force_exit_begin(stage->signal);
}

void stage_release(struct stage *stage, int output)
{
    if (stage->interrupts > 0)
        loop_ignore_hangups();
    loop_signals_release(stage->loop);
    stage_hurry(stage, output);
}

void stage_close(struct stage *stage)
{
    mailbox_free(stage->mailbox);
    loop_free(stage->loop);
}
