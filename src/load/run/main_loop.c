/* Where runs take place. */
#include "load/run/main_loop.h"

#include "os/loop/event_loop.h"
#include "os/process/clock.h"
#include "os/process/forced_exit.h"
#include "os/terminal/terminal_capabilities.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>

/* timeout(1) signals its child and then its group, which the child is in, too; nobody presses
 * Ctrl-C twice so fast. */
static const uint64_t SAME_NS = 100 * 1000 * 1000;

static void caught(void *state, int signal)
{
    struct main_loop *stage = state;
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

int main_loop_open(struct main_loop *stage)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, 0};
    *stage = (struct main_loop){.loop = loop_new()};
    if (!stage->loop)
        return -errno;
    stage->mailbox = mailbox_new(stage->loop);
    int error = stage->mailbox ? loop_signals(stage->loop, signals, caught, stage) : -errno;
    if (error)
        main_loop_close(stage);
    else
        forced_exit_start();
    return error;
}

void main_loop_hold(bool held)
{
    forced_exit_hold(held);
}

void main_loop_hurry(const struct main_loop *stage, int output)
{
    forced_exit_hold(false);
    if (terminal_is_tty(output))
        forced_exit_begin(stage->signal);
}

void main_loop_release(struct main_loop *stage, int output)
{
    if (stage->interrupts > 0)
        loop_ignore_hangups();
    loop_signals_release(stage->loop);
    main_loop_hurry(stage, output);
}

void main_loop_close(struct main_loop *stage)
{
    mailbox_free(stage->mailbox);
    loop_free(stage->loop);
}
