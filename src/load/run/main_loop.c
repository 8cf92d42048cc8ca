#include "load/run/main_loop.h"

#include "os/loop/event_loop.h"
#include "os/loop/signals.h"
#include "os/process/clock.h"
#include "os/process/forced_exit.h"
#include "os/terminal/terminal_capabilities.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>

/* timeout(1) signals its child and then the process group that the child is in. Signals closer than
 * this are one; no user presses Ctrl-C twice so fast. */
static const uint64_t SAME_NS = 100 * 1000 * 1000;

static void on_signal(void *state, int signal)
{
    struct main_loop *main_loop = state;
    uint64_t now_ns = clock_now_ns();
    bool same = now_ns - main_loop->interrupted_ns < SAME_NS || signal == SIGHUP;
    main_loop->signal = signal;
    if (main_loop->interrupts > 0 && same)
        return;
    main_loop->interrupted_ns = now_ns;
    main_loop->interrupts++;
    if (main_loop->interrupted)
        main_loop->interrupted(main_loop->state, main_loop->interrupts);
}

int main_loop_open(struct main_loop *main_loop)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, 0};
    *main_loop = (struct main_loop){.loop = loop_new()};
    if (!main_loop->loop)
        return -errno;
    main_loop->mailbox = mailbox_new(main_loop->loop);
    int error = main_loop->mailbox
                    ? loop_signals_start(main_loop->loop, signals, on_signal, main_loop)
                    : -errno;
    if (error)
        main_loop_close(main_loop);
    else
        forced_exit_start();
    return error;
}

void main_loop_defer_forced_exit(bool deferred)
{
    forced_exit_hold(deferred);
}

void main_loop_limit_output(const struct main_loop *main_loop, int output)
{
    forced_exit_hold(false);
    if (terminal_is_tty(output))
        forced_exit_begin(main_loop->signal);
}

void main_loop_release_signals(struct main_loop *main_loop, int output)
{
    if (main_loop->interrupts > 0)
        loop_ignore_hangups();
    loop_signals_stop(main_loop->loop);
    main_loop_limit_output(main_loop, output);
}

void main_loop_close(struct main_loop *main_loop)
{
    mailbox_free(main_loop->mailbox);
    loop_free(main_loop->loop);
}
