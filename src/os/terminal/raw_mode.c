#include "os/terminal/raw_mode.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

const int raw_mode_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP, SIGCONT, 0};

/* The signals whose default action ends the process (signal(7)), except SIGKILL. */
static const int FATAL_SIGNALS[] = {SIGHUP,    SIGINT,    SIGQUIT, SIGILL,  SIGTRAP, SIGABRT,
                                    SIGBUS,    SIGFPE,    SIGSEGV, SIGPIPE, SIGALRM, SIGTERM,
                                    SIGUSR1,   SIGUSR2,   SIGXCPU, SIGXFSZ, SIGSYS,  SIGPROF,
                                    SIGVTALRM, SIGSTKFLT, SIGIO,   SIGPWR};

enum {
    FATAL_COUNT = sizeof FATAL_SIGNALS / sizeof *FATAL_SIGNALS,
    /* For the handler after a stack overflow: tcsetattr and write take a few hundred bytes, and the
     * vector registers of the context a few thousand (getauxval(AT_MINSIGSTKSZ)). */
    STACK_BYTES = 32 << 10,
};

/* Static, since a signal handler has no other way to find it. */
static struct {
    atomic_bool entered; /* set after the rest; read by signal handlers and another thread */
    bool guarded;        /* the signal handlers are installed */
    int in, out;
    const char *begin, *end;
    struct termios before, raw;
    struct sigaction previous[FATAL_COUNT];
    char stack[STACK_BYTES];
} raw_mode;

/* Also called by signal handlers. An error of the write is ignored: there is no other output. */
static void write_text(const char *text)
{
    size_t size = strlen(text);
    while (size) {
        ssize_t written = write(raw_mode.out, text, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return;
        text += written;
        size -= (size_t)written;
    }
}

/* Returns whether another job is in the foreground, whose terminal modes must not be changed. */
static bool is_background(void)
{
    pid_t foreground = tcgetpgrp(raw_mode.in);
    return foreground >= 0 && foreground != getpgrp();
}

static void restore(const char *end)
{
    sigset_t stops, before;
    if (!atomic_exchange(&raw_mode.entered, false) || is_background())
        return;
    sigemptyset(&stops);
    sigaddset(&stops, SIGTTOU);
    pthread_sigmask(SIG_BLOCK, &stops, &before);
    /* The mode first, since writing may block forever. */
    tcsetattr(raw_mode.in, TCSANOW, &raw_mode.before);
    write_text(end);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Async-signal-safe, since all functions that it calls are (signal-safety(7)). */
void raw_mode_leave(void)
{
    restore(raw_mode.end);
}

void raw_mode_leave_without_output(void)
{
    restore("");
}

static bool is_fault(int signal)
{
    return signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL;
}

/* Signal handler: restores the terminal, and passes the signal on to the previous action. */
static void restore_and_raise(int signal, siginfo_t *info, void *context)
{
    (void)context;
    int saved_errno = errno;
    raw_mode_leave();
    for (int i = 0; i < FATAL_COUNT; i++)
        if (FATAL_SIGNALS[i] == signal)
            sigaction(signal, &raw_mode.previous[i], NULL);
    /* A fault happens again at the same instruction, with the state that a core file or a sanitizer
     * needs. A signal that was sent is raised again, and delivered when this handler returns. */
    if (!is_fault(signal) || info->si_code <= 0)
        raise(signal);
    errno = saved_errno;
}

static int open_signal_stack(void)
{
    stack_t stack;
    if (sigaltstack(NULL, &stack) != 0)
        return -errno;
    if (!(stack.ss_flags & SS_DISABLE))
        return 0; /* a sanitizer has set one */
    stack = (stack_t){.ss_sp = raw_mode.stack, .ss_size = sizeof raw_mode.stack};
    return sigaltstack(&stack, NULL) == 0 ? 0 : -errno;
}

/* Installs what leaves raw mode at every end of the process. */
static int install_guards(void)
{
    if (raw_mode.guarded)
        return 0;
    int error = open_signal_stack();
    if (error)
        return error;
    struct sigaction action = {.sa_sigaction = restore_and_raise,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigfillset(&action.sa_mask);
    for (int i = 0; i < FATAL_COUNT; i++) {
        struct sigaction *before = &raw_mode.previous[i];
        sigaction(FATAL_SIGNALS[i], NULL, before);
        if (before->sa_flags & SA_SIGINFO || before->sa_handler != SIG_IGN)
            sigaction(FATAL_SIGNALS[i], &action, NULL);
    }
    raw_mode.guarded = true;
    return atexit(raw_mode_leave) == 0 ? 0 : -ENOMEM;
}

/* Sets the mode, and writes raw_mode.begin. Sets raw_mode.entered first, so that a signal in
 * between restores the mode. */
static int set_raw(void)
{
    raw_mode.entered = true;
    int result;
    do
        result = tcsetattr(raw_mode.in, TCSANOW, &raw_mode.raw);
    while (result != 0 && errno == EINTR);
    if (result != 0) {
        raw_mode.entered = false;
        return -errno;
    }
    write_text(raw_mode.begin);
    return 0;
}

int raw_mode_enter(int in, int out, const char *begin, const char *end)
{
    if (raw_mode.entered)
        return -EBUSY;
    if (tcgetattr(in, &raw_mode.before) != 0)
        return -errno;
    raw_mode.in = in;
    raw_mode.out = out;
    raw_mode.begin = begin;
    raw_mode.end = end;
    struct termios *raw = &raw_mode.raw;
    *raw = raw_mode.before;
    raw->c_iflag &= ~(tcflag_t)(BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    raw->c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    raw->c_cc[VMIN] = 1;
    raw->c_cc[VTIME] = 0;
    int error = install_guards();
    return error ? error : set_raw();
}

int raw_mode_suspend(void)
{
    struct sigaction stop = {.sa_handler = SIG_DFL}, before;
    sigset_t signals, mask;
    bool entered = raw_mode.entered;
    raw_mode_leave();
    sigaction(SIGTSTP, &stop, &before);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTSTP);
    pthread_sigmask(SIG_UNBLOCK, &signals, &mask);
    kill(0, SIGTSTP);
    /* The process is stopped here until it receives SIGCONT. */
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    sigaction(SIGTSTP, &before, NULL);
    return entered ? set_raw() : 0;
}

int raw_mode_continue(void)
{
    return raw_mode.entered ? set_raw() : 0;
}
