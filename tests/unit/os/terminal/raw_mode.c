/* Tests of raw mode: a child enters it on a pseudo-terminal and ends in each possible way. */
#include "os/terminal/raw_mode.h"

#include "pty_fixture.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { DEADLINE_MS = 15000 };

#define BEGIN "\x1b[?2004h"
#define END   "\x1b[?2004l"

static int controller;

TestSuite(raw_mode, .timeout = 60);

Test(raw_mode, cannot_be_entered_on_a_pipe)
{
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    cr_assert_eq(raw_mode_enter(fds[0], fds[1], BEGIN, END), -ENOTTY);
    raw_mode_leave();
}

static struct termios mode_of(int fd)
{
    struct termios mode;
    cr_assert_eq(tcgetattr(fd, &mode), 0);
    return mode;
}

static void expect_same_mode(const struct termios *a, const struct termios *b, const char *where)
{
    cr_assert(a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag && a->c_cflag == b->c_cflag &&
                  a->c_lflag == b->c_lflag && memcmp(a->c_cc, b->c_cc, sizeof a->c_cc) == 0,
              "the mode differs after %s", where);
}

/* Waits until text was written to the terminal. */
static void await(const char *text)
{
    char shown[4096] = "";
    size_t size = 0;
    struct pollfd wait = {.fd = controller, .events = POLLIN};
    while (!strstr(shown, text)) {
        cr_assert_gt(poll(&wait, 1, DEADLINE_MS), 0, "waiting for '%s', got '%s'", text + 1, shown);
        ssize_t more = read(controller, shown + size, sizeof shown - 1 - size);
        cr_assert_gt(more, 0);
        size += (size_t)more;
    }
}

typedef void leave_function(int signal);

static pid_t start(int fd, leave_function *leave, int signal)
{
    pid_t pid = fork();
    if (pid > 0)
        return pid;
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
    setsid();
    ioctl(fd, TIOCSCTTY, 0);
    if (raw_mode_enter(fd, fd, BEGIN, END) != 0)
        _exit(99);
    char go;
    if (read(fd, &go, 1) != 1)
        _exit(98);
    leave(signal);
    _exit(97);
}

/* Enters raw mode in a child, which then leaves it by the function, and expects that the mode is
 * restored and END was written. Returns the status of the child. */
static int leave_by(leave_function *leave, int signal)
{
    int fd = pty_fixture_open(&controller), status;
    struct termios before = mode_of(fd);
    pid_t pid = start(fd, leave, signal);
    await(BEGIN);
    struct termios raw = mode_of(fd);
    cr_assert_not(raw.c_lflag & (ICANON | ECHO | ISIG));
    cr_assert(raw.c_oflag & OPOST);
    cr_assert_eq(write(controller, "\x03", 1), 1);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    struct termios after = mode_of(fd);
    expect_same_mode(&before, &after, strsignal(signal));
    await(END);
    close(fd);
    close(controller);
    return status;
}

static void raise_signal(int signal)
{
    raise(signal);
}

/* Sanitizers install their own handlers, which report and exit. */
static void expect_death(int status, int signal)
{
    bool exited = WIFEXITED(status) && WEXITSTATUS(status) > 0 && WEXITSTATUS(status) < 97;
#ifndef __SANITIZE_ADDRESS__
    exited = false;
#endif
    cr_assert(exited || (WIFSIGNALED(status) && WTERMSIG(status) == signal),
              "%s gave the status %#x", strsignal(signal), (unsigned)status);
}

Test(raw_mode, is_left_at_every_fatal_signal)
{
    static const int signals[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGILL,  SIGTRAP, SIGABRT,
                                  SIGBUS,  SIGFPE,  SIGSEGV, SIGPIPE, SIGALRM, SIGTERM,
                                  SIGUSR1, SIGUSR2, SIGXCPU, SIGSYS,  SIGIO,   SIGVTALRM};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        /* Some are ignored when the test runs in the background or by nohup. */
        signal(signals[i], SIG_DFL);
        expect_death(leave_by(raise_signal, signals[i]), signals[i]);
    }
}

/* Not the null pointer, which a sanitizer detects before there is a signal. */
static int *volatile invalid_address = (int *)64;

static void access_invalid_address(int signal)
{
    (void)signal;
    *invalid_address = 1;
}

Test(raw_mode, is_left_at_a_crash)
{
    if (getenv("UDPSRV_VALGRIND"))
        cr_skip("valgrind reports a crash as an error");
    expect_death(leave_by(access_invalid_address, SIGSEGV), SIGSEGV);
}

static int recurse(volatile char *above)
{
    volatile char here[4096];
    here[0] = above[0];
    return here[0] == 0 ? 0 : recurse(here) + here[0];
}

static void overflow(int signal)
{
    (void)signal;
    recurse((volatile char[1]){1});
}

Test(raw_mode, is_left_at_a_stack_overflow)
{
    if (getenv("UDPSRV_VALGRIND"))
        cr_skip("valgrind reports a crash as an error");
    expect_death(leave_by(overflow, SIGSEGV), SIGSEGV);
}

static void call_abort(int signal)
{
    (void)signal;
    abort();
}

Test(raw_mode, is_left_at_abort)
{
    expect_death(leave_by(call_abort, SIGABRT), SIGABRT);
}

static void call_exit(int status)
{
    exit(status);
}

Test(raw_mode, is_left_at_exit)
{
    int status = leave_by(call_exit, 3);
    cr_assert(WIFEXITED(status));
    cr_assert_eq(WEXITSTATUS(status), 3);
}

static void leave_twice(int status)
{
    raw_mode_leave();
    raw_mode_leave();
    _exit(status);
}

Test(raw_mode, may_be_left_twice)
{
    int status = leave_by(leave_twice, 3);
    cr_assert(WIFEXITED(status));
    cr_assert_eq(WEXITSTATUS(status), 3);
}

static void enter_again(int number)
{
    (void)number;
    if (raw_mode_enter(STDIN_FILENO, STDOUT_FILENO, "", "") != -EBUSY)
        _exit(1);
    exit(0);
}

Test(raw_mode, cannot_be_entered_twice)
{
    cr_assert_eq(leave_by(enter_again, 0), 0);
}

static void raise_hangup_and_exit(int status)
{
    raise(SIGHUP);
    exit(status);
}

Test(raw_mode, keeps_an_ignored_signal_ignored)
{
    signal(SIGHUP, SIG_IGN);
    int status = leave_by(raise_hangup_and_exit, 5);
    cr_assert(WIFEXITED(status));
    cr_assert_eq(WEXITSTATUS(status), 5);
}
