#include "os/loop/signals.h"

#include <errno.h>
#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void on_signal(void *state, unsigned events)
{
    struct loop *loop = state;
    struct loop_signals *signals = loop_signals_of(loop);
    struct signalfd_siginfo info;

    (void)events;
    while (!loop_is_stopping(loop) && read(signals->handler.fd, &info, sizeof info) == sizeof info)
        signals->caught(signals->state, (int)info.ssi_signo);
}

/* A SIGINT or SIGHUP that was ignored when the process started is ignored on purpose. signalfd
 * would report it nevertheless, since a blocked signal is queued even if it is ignored. */
static bool is_ignored(int signal)
{
    struct sigaction action;
    if (signal != SIGINT && signal != SIGHUP)
        return false;
    return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

void loop_signals_unignore(int signal)
{
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    sigset_t set;
    if (!is_ignored(signal))
        return;
    sigemptyset(&set);
    sigaddset(&set, signal);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sigaction(signal, &usual, NULL);
}

static sigset_t signal_set(const int *signals)
{
    sigset_t set;

    sigemptyset(&set);
    for (; *signals != 0; signals++)
        if (!is_ignored(*signals))
            sigaddset(&set, *signals);
    return set;
}

void loop_signals_block(const int *signals)
{
    sigset_t set = signal_set(signals);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int loop_signals_start(struct loop *loop, const int *signals, loop_signal_callback *caught,
                       void *state)
{
    struct loop_signals *own = loop_signals_of(loop);
    sigset_t set = signal_set(signals);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    own->caught = caught;
    own->state = state;
    int error = loop_add(loop, &own->handler, fd, LOOP_READ, on_signal, loop);
    if (!error)
        error = -pthread_sigmask(SIG_BLOCK, &set, &own->mask_before);
    if (error) {
        loop_remove(&own->handler);
        close(fd);
    }
    return error;
}

bool loop_signals_are_pending(const int *signals)
{
    sigset_t pending;

    if (sigpending(&pending) != 0)
        return false;
    for (; *signals != 0; signals++)
        if (sigismember(&pending, *signals) == 1)
            return true;
    return false;
}

void loop_signals_stop(struct loop *loop)
{
    struct loop_signals *own = loop_signals_of(loop);
    if (own->handler.loop == NULL)
        return;
    int fd = own->handler.fd;
    loop_remove(&own->handler);
    close(fd);
    pthread_sigmask(SIG_SETMASK, &own->mask_before, NULL);
}

void loop_ignore_broken_pipes(void)
{
    signal(SIGPIPE, SIG_IGN);
}

void loop_ignore_file_size_limit(void)
{
    signal(SIGXFSZ, SIG_IGN);
}

void loop_ignore_hangups(void)
{
    signal(SIGHUP, SIG_IGN);
}
