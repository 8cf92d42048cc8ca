/* The terminal: who reads what is written, how wide, and raw mode that is always undone. */
#include "os/terminal/raw_terminal.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

const int terminal_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP, SIGCONT, 0};

/* Those that end a process unless it says otherwise (signal(7)), but for SIGKILL. */
static const int DEADLY[] = {SIGHUP,    SIGINT,    SIGQUIT, SIGILL,  SIGTRAP, SIGABRT,
                             SIGBUS,    SIGFPE,    SIGSEGV, SIGPIPE, SIGALRM, SIGTERM,
                             SIGUSR1,   SIGUSR2,   SIGXCPU, SIGXFSZ, SIGSYS,  SIGPROF,
                             SIGVTALRM, SIGSTKFLT, SIGIO,   SIGPWR};

enum {
    DEADLY_COUNT = sizeof DEADLY / sizeof *DEADLY,
    /* For the handler behind a stack that overflowed: tcsetattr and write take some hundred bytes,
     * and the vector registers of the context some thousand (getauxval(AT_MINSIGSTKSZ)). */
    STACK_BYTES = 32 << 10,
};

/* The terminal of this process: a signal's handler finds it nowhere else. */
static struct {
    atomic_bool entered; /* set behind the rest, for handlers and another thread */
    bool guarded;
    int in, out;
    const char *begin, *end;
    struct termios before, raw;
    struct sigaction passed_on[DEADLY_COUNT];
    char stack[STACK_BYTES];
} terminal;

bool terminal_is(int fd)
{
    return isatty(fd) == 1;
}

bool terminal_has_room(int fd)
{
    struct pollfd room = {.fd = fd, .events = POLLOUT};

    return poll(&room, 1, 0) == 1;
}

/* TERM's value, or NULL if it names a terminal that can do nothing. */
static const char *able_terminal(void)
{
    const char *term = getenv("TERM");
    bool able = term && *term && strcmp(term, "dumb") != 0 && strcmp(term, "unknown") != 0;
    return able ? term : NULL;
}

bool terminal_wants_colour(int fd)
{
    const char *no_colour = getenv("NO_COLOR");

    if (no_colour != NULL && *no_colour != '\0')
        return false;
    return terminal_is(fd) && able_terminal();
}

bool terminal_can_edit(int in, int out)
{
    return terminal_is(in) && terminal_is(out) && able_terminal();
}

struct terminal_size terminal_size(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) != 0)
        size = (struct winsize){0};
    return (struct terminal_size){
        .columns = size.ws_col ? size.ws_col : 80,
        .rows = size.ws_row ? size.ws_row : 24,
    };
}

/* ---- Raw mode ---- */

/* From a signal's handler, too. What can't be written is given up: nobody looks. */
static void say(const char *text)
{
    size_t size = strlen(text);
    while (size) {
        ssize_t written = write(terminal.out, text, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return;
        text += written;
        size -= (size_t)written;
    }
}

/* Whether another job has the terminal now, whose modes are not ours to set. */
static bool is_background(void)
{
    pid_t foreground = tcgetpgrp(terminal.in);
    return foreground >= 0 && foreground != getpgrp();
}

static void put_back(const char *last_words)
{
    sigset_t stops, before;
    if (!atomic_exchange(&terminal.entered, false) || is_background())
        return;
    sigemptyset(&stops);
    sigaddset(&stops, SIGTTOU);
    pthread_sigmask(SIG_BLOCK, &stops, &before);
    /* The mode first: writing may take for ever. */
    tcsetattr(terminal.in, TCSANOW, &terminal.before);
    say(last_words);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Safe in a signal's handler: all that it calls is (signal-safety(7)). */
void terminal_leave(void)
{
    put_back(terminal.end);
}

void terminal_abandon(void)
{
    put_back("");
}

static bool is_fault(int signal)
{
    return signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL;
}

/* Puts the terminal back, and lets the signal do what it would have done. */
static void pass_on(int signal, siginfo_t *info, void *context)
{
    (void)context;
    int why = errno;
    terminal_leave();
    for (int i = 0; i < DEADLY_COUNT; i++)
        if (DEADLY[i] == signal)
            sigaction(signal, &terminal.passed_on[i], NULL);
    /* A fault happens again at the same place, with all that a core or a sanitizer wants to know;
     * what was sent has to be sent again, and comes when this handler returns. */
    if (!is_fault(signal) || info->si_code <= 0)
        raise(signal);
    errno = why;
}

static int guard_stack(void)
{
    stack_t stack;
    if (sigaltstack(NULL, &stack) != 0)
        return -errno;
    if (!(stack.ss_flags & SS_DISABLE))
        return 0; /* a sanitizer has one already */
    stack = (stack_t){.ss_sp = terminal.stack, .ss_size = sizeof terminal.stack};
    return sigaltstack(&stack, NULL) == 0 ? 0 : -errno;
}

/* Sees to it that every end of the process leaves. */
static int guard(void)
{
    if (terminal.guarded)
        return 0;
    int error = guard_stack();
    if (error)
        return error;
    struct sigaction action = {.sa_sigaction = pass_on, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigfillset(&action.sa_mask);
    for (int i = 0; i < DEADLY_COUNT; i++) {
        struct sigaction *before = &terminal.passed_on[i];
        sigaction(DEADLY[i], NULL, before);
        if (before->sa_flags & SA_SIGINFO || before->sa_handler != SIG_IGN)
            sigaction(DEADLY[i], &action, NULL);
    }
    terminal.guarded = true;
    return atexit(terminal_leave) == 0 ? 0 : -ENOMEM;
}

/* Sets the mode, and all that begin sets. Entered first: whatever comes in between undoes it. */
static int set_raw(void)
{
    terminal.entered = true;
    int result;
    do
        result = tcsetattr(terminal.in, TCSANOW, &terminal.raw);
    while (result != 0 && errno == EINTR);
    if (result != 0) {
        terminal.entered = false;
        return -errno;
    }
    say(terminal.begin);
    return 0;
}

int terminal_enter(int in, int out, const char *begin, const char *end)
{
    if (terminal.entered)
        return -EBUSY;
    if (tcgetattr(in, &terminal.before) != 0)
        return -errno;
    terminal.in = in;
    terminal.out = out;
    terminal.begin = begin;
    terminal.end = end;
    struct termios *raw = &terminal.raw;
    *raw = terminal.before;
    raw->c_iflag &= ~(tcflag_t)(BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    raw->c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    raw->c_cc[VMIN] = 1;
    raw->c_cc[VTIME] = 0;
    int error = guard();
    return error ? error : set_raw();
}

int terminal_suspend(void)
{
    struct sigaction stop = {.sa_handler = SIG_DFL}, before;
    sigset_t signals, mask;
    bool entered = terminal.entered;
    terminal_leave();
    sigaction(SIGTSTP, &stop, &before);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTSTP);
    pthread_sigmask(SIG_UNBLOCK, &signals, &mask);
    kill(0, SIGTSTP);
    /* Stopped here, until somebody sends SIGCONT. */
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    sigaction(SIGTSTP, &before, NULL);
    return entered ? set_raw() : 0;
}

int terminal_continue(void)
{
    return terminal.entered ? set_raw() : 0;
}
