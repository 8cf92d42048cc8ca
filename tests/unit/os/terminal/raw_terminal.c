#include "os/terminal/raw_terminal.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { DEADLINE_MS = 15000 };

#define BEGIN "\x1b[?2004h"
#define END   "\x1b[?2004l"

/* A terminal of the test's own: what a person would see comes from the controller. */
static int controller;

static int open_terminal(void)
{
    controller = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (controller < 0 || grantpt(controller) != 0 || unlockpt(controller) != 0)
        cr_skip("this host gives no pseudo-terminal");
    int fd = open(ptsname(controller), O_RDWR | O_NOCTTY | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    return fd;
}

TestSuite(raw_terminal, .timeout = 60);

Test(raw_terminal, is_told_from_a_pipe)
{
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    cr_assert_not(terminal_is(fds[0]));
    cr_assert_not(terminal_is(-1));
    cr_assert(terminal_is(open_terminal()));
}

Test(raw_terminal, gets_colour_unless_the_environment_says_no)
{
    int fd = open_terminal();
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    cr_assert(terminal_wants_colour(fd));
    setenv("NO_COLOR", "", 1);
    cr_assert(terminal_wants_colour(fd));
    setenv("NO_COLOR", "1", 1);
    cr_assert_not(terminal_wants_colour(fd));
    unsetenv("NO_COLOR");
    setenv("TERM", "dumb", 1);
    cr_assert_not(terminal_wants_colour(fd));
    unsetenv("TERM");
    cr_assert_not(terminal_wants_colour(fd));
}

Test(raw_terminal, pipe_gets_no_colour)
{
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    cr_assert_not(terminal_wants_colour(fds[1]));
}

Test(raw_terminal, can_be_edited_on_if_it_can_do_something)
{
    int fd = open_terminal(), fds[2];
    cr_assert_eq(pipe(fds), 0);
    setenv("TERM", "xterm", 1);
    cr_assert(terminal_can_edit(fd, fd));
    cr_assert_not(terminal_can_edit(fds[0], fd));
    cr_assert_not(terminal_can_edit(fd, fds[1]));
    setenv("TERM", "dumb", 1);
    cr_assert_not(terminal_can_edit(fd, fd));
    setenv("TERM", "", 1);
    cr_assert_not(terminal_can_edit(fd, fd));
}

Test(raw_terminal, tells_its_size)
{
    int fd = open_terminal(), fds[2];
    cr_assert_eq(pipe(fds), 0);
    ioctl(fd, TIOCSWINSZ, &(struct winsize){.ws_row = 5, .ws_col = 20});
    cr_assert_eq(terminal_size(fd).columns, 20);
    cr_assert_eq(terminal_size(fd).rows, 5);
    cr_assert_eq(terminal_size(fds[0]).columns, 80);
    cr_assert_eq(terminal_size(fds[0]).rows, 24);
}

Test(raw_terminal, that_is_none_can_not_be_entered)
{
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    cr_assert_eq(terminal_enter(fds[0], fds[1], BEGIN, END), -ENOTTY);
    terminal_leave();
}

/* ---- Ways out ---- */

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
              "the mode is another %s", where);
}

/* Waits until the terminal shows text. */
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

typedef void way_out(int signal);

static pid_t start(int fd, way_out *leave, int signal)
{
    pid_t pid = fork();
    if (pid > 0)
        return pid;
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
    setsid();
    ioctl(fd, TIOCSCTTY, 0);
    if (terminal_enter(fd, fd, BEGIN, END) != 0)
        _exit(99);
    char go;
    if (read(fd, &go, 1) != 1)
        _exit(98);
    leave(signal);
    _exit(97);
}

/* Enters in a child, lets it leave that way, and expects the mode and the terminal as they were.
 * Returns how the child ended. */
static int leave_by(way_out *leave, int signal)
{
    int fd = open_terminal(), status;
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

static void die_of(int signal)
{
    raise(signal);
}

/* Sanitizers have handlers of their own, which report and exit. */
static void expect_death(int status, int signal)
{
    bool exited = WIFEXITED(status) && WEXITSTATUS(status) > 0 && WEXITSTATUS(status) < 97;
#ifndef __SANITIZE_ADDRESS__
    exited = false;
#endif
    cr_assert(exited || (WIFSIGNALED(status) && WTERMSIG(status) == signal),
              "%s gave the status %#x", strsignal(signal), (unsigned)status);
}

Test(raw_terminal, is_as_before_behind_any_deadly_signal)
{
    static const int signals[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGILL,  SIGTRAP, SIGABRT,
                                  SIGBUS,  SIGFPE,  SIGSEGV, SIGPIPE, SIGALRM, SIGTERM,
                                  SIGUSR1, SIGUSR2, SIGXCPU, SIGSYS,  SIGIO,   SIGVTALRM};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        /* Who runs us in the background, or by nohup, has us ignore some of them. */
        signal(signals[i], SIG_DFL);
        expect_death(leave_by(die_of, signals[i]), signals[i]);
    }
}

/* Not the null pointer, whose use a sanitizer sees before there is a signal. */
static int *volatile nowhere = (int *)64;

static void touch_nothing(int signal)
{
    (void)signal;
    *nowhere = 1;
}

Test(raw_terminal, is_as_before_behind_a_crash)
{
    if (getenv("UDPSRV_VALGRIND"))
        cr_skip("valgrind takes a crash for the fault that it is");
    expect_death(leave_by(touch_nothing, SIGSEGV), SIGSEGV);
}

static int fall(volatile char *above)
{
    volatile char here[4096];
    here[0] = above[0];
    return here[0] == 0 ? 0 : fall(here) + here[0];
}

static void overflow(int signal)
{
    (void)signal;
    fall((volatile char[1]){1});
}

Test(raw_terminal, is_as_before_behind_a_stack_that_overflowed)
{
    if (getenv("UDPSRV_VALGRIND"))
        cr_skip("valgrind takes a crash for the fault that it is");
    expect_death(leave_by(overflow, SIGSEGV), SIGSEGV);
}

static void give_up(int signal)
{
    (void)signal;
    abort();
}

Test(raw_terminal, is_as_before_behind_abort)
{
    expect_death(leave_by(give_up, SIGABRT), SIGABRT);
}

static void end_with(int status)
{
    exit(status);
}

Test(raw_terminal, is_as_before_behind_exit)
{
    int status = leave_by(end_with, 3);
    cr_assert(WIFEXITED(status));
    cr_assert_eq(WEXITSTATUS(status), 3);
}

static void leave_twice(int status)
{
    terminal_leave();
    terminal_leave();
    _exit(status);
}

Test(raw_terminal, is_as_before_when_left)
{
    int status = leave_by(leave_twice, 3);
    cr_assert(WIFEXITED(status));
    cr_assert_eq(WEXITSTATUS(status), 3);
}

static void enter_again(int number)
{
    (void)number;
    if (terminal_enter(STDIN_FILENO, STDOUT_FILENO, "", "") != -EBUSY)
        _exit(1);
    exit(0);
}

Test(raw_terminal, is_entered_once)
{
    cr_assert_eq(leave_by(enter_again, 0), 0);
}

static void ignore_and_go_on(int status)
{
    raise(SIGHUP);
    exit(status);
}

Test(raw_terminal, leaves_a_signal_alone_that_is_ignored)
{
    signal(SIGHUP, SIG_IGN);
    int status = leave_by(ignore_and_go_on, 5);
    cr_assert(WIFEXITED(status));
    cr_assert_eq(WEXITSTATUS(status), 5);
}
