#include "os/process/forced_exit.h"

#include "os/loop/thread.h"
#include "os/loop/wakeup.h"
#include "os/terminal/raw_mode.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { EXIT_BY_SIGNAL = 128 }; /* plus the signal: the exit status that a shell reports */

static struct {
    struct thread *thread;
    int signal_fd;     /* a signalfd that is only polled, never read: the loop takes the signals */
    int begun_fd;      /* a wake-up, never taken: the program is ending because of a signal */
    atomic_int signal; /* that the loop took, or 0 */
    atomic_bool held;
} force = {.signal_fd = -1, .begun_fd = -1};

/* Returns SIGTERM or SIGHUP if one is pending, or 0. */
static int pending_signal(void)
{
    sigset_t pending;

    sigemptyset(&pending);
    sigpending(&pending);
    return sigismember(&pending, SIGTERM) == 1  ? SIGTERM
           : sigismember(&pending, SIGHUP) == 1 ? SIGHUP
                                                : 0;
}

static void exit_by(int signal)
{
    raw_mode_leave_without_output();
    _exit(EXIT_BY_SIGNAL + signal);
}

/* Waits until a signal is pending, or the loop has taken one. */
static void wait_for_signal(void)
{
    struct pollfd wait[] = {{.fd = force.signal_fd, .events = POLLIN},
                            {.fd = force.begun_fd, .events = POLLIN}};
    poll(wait, 2, -1);
}

/* Gives the loop time to take the signal, and then the program time to end. */
static void wait_for_loop_and_program(void)
{
    struct pollfd begun = {.fd = force.begun_fd, .events = POLLIN};

    if (poll(&begun, 1, FORCED_EXIT_MS) == 1)
        poll(NULL, 0, FORCED_EXIT_MS);
}

static void run(void *state)
{
    (void)state;
    for (;;) {
        wait_for_signal();
        wait_for_loop_and_program();
        int signal = atomic_load(&force.signal);
        if (signal == 0)
            signal = pending_signal();
        if (signal != 0 && !atomic_load(&force.held))
            exit_by(signal);
    }
}

static bool open_descriptors(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    force.signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    force.begun_fd = wakeup_open(WAKEUP_POLLED);
    return force.signal_fd >= 0 && force.begun_fd >= 0;
}

static void close_descriptors(void)
{
    if (force.signal_fd >= 0)
        close(force.signal_fd);
    if (force.begun_fd >= 0)
        close(force.begun_fd);
    force.signal_fd = force.begun_fd = -1;
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
    if (force.thread == NULL || (signal != SIGTERM && signal != SIGHUP))
        return;
    atomic_store(&force.signal, signal);
    wakeup_post(force.begun_fd);
}
