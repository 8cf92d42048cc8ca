/* Ends the process by SIGTERM or SIGHUP while its main thread is blocked in a write. */
#include "os/process/forced_exit.h"

#include "os/loop/thread.h"
#include "os/terminal/raw_terminal.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { BY_SIGNAL = 128 }; /* and its number: the exit status that a shell would show */

static struct {
    struct thread *thread;
    int arrivals; /* a signalfd that is never read: signals are the loop's */
    int begun;    /* an eventfd: the program ends by signal */
    atomic_int signal;
    atomic_bool held;
} force = {.arrivals = -1, .begun = -1};

/* SIGTERM or SIGHUP, if one is pending, or 0. */
static int pending_signal(void)
{
    sigset_t pending;

    sigpending(&pending);
    return sigismember(&pending, SIGTERM) == 1  ? SIGTERM
           : sigismember(&pending, SIGHUP) == 1 ? SIGHUP
                                                : 0;
}

static void end_by(int signal)
{
    terminal_abandon();
    _exit(BY_SIGNAL + signal);
}

/* Waits until a signal is pending or the program ends by one. */
static void wait_for_signal(void)
{
    struct pollfd wait[] = {{.fd = force.arrivals, .events = POLLIN},
                            {.fd = force.begun, .events = POLLIN}};
    poll(wait, 2, -1);
}

/* Gives the program its time. */
static void wait_for_program(void)
{
    struct pollfd begun = {.fd = force.begun, .events = POLLIN};

    if (poll(&begun, 1, FORCED_EXIT_MS) == 1)
        poll(NULL, 0, FORCED_EXIT_MS);
}

static void run(void *state)
{
    (void)state;
    for (;;) {
        wait_for_signal();
        wait_for_program();
        int signal = atomic_load(&force.signal);
        if (signal == 0)
            signal = pending_signal();
        if (signal != 0 && !atomic_load(&force.held))
            end_by(signal);
    }
}

static bool open_descriptors(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    force.arrivals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    force.begun = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return force.arrivals >= 0 && force.begun >= 0;
}

static void close_descriptors(void)
{
    if (force.arrivals >= 0)
        close(force.arrivals);
    if (force.begun >= 0)
        close(force.begun);
    force.arrivals = force.begun = -1;
}

void forced_exit_start(void)
{
    if (force.thread != NULL)
        return;
    if (open_descriptors())
        force.thread = thread_start("force-exit", run, NULL);
    if (force.thread == NULL)
        close_descriptors();
}

void forced_exit_hold(bool held)
{
    atomic_store(&force.held, held);
}

void forced_exit_begin(int signal)
{
    const uint64_t one = 1;

    if (force.thread == NULL || (signal != SIGTERM && signal != SIGHUP))
        return;
    atomic_store(&force.signal, signal);
    /* Fails only if the counter is full, and then it is readable as well. */
    if (write(force.begun, &one, sizeof one) < 0)
        return;
}
