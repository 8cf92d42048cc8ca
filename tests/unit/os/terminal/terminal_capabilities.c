/* Tests of terminal detection, colour and window size, on a pseudo-terminal. */
#include "os/terminal/terminal_capabilities.h"

#include "pty_fixture.h"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static int controller;

TestSuite(terminal_capabilities, .timeout = 60);

Test(terminal_capabilities, distinguishes_a_terminal_from_a_pipe)
{
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    cr_assert_not(terminal_is_tty(fds[0]));
    cr_assert_not(terminal_is_tty(-1));
    cr_assert(terminal_is_tty(pty_fixture_open(&controller)));
}

Test(terminal_capabilities, wants_colour_unless_the_environment_disables_it)
{
    int fd = pty_fixture_open(&controller);
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

Test(terminal_capabilities, wants_no_colour_on_a_pipe)
{
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    cr_assert_not(terminal_wants_colour(fds[1]));
}

Test(terminal_capabilities, can_edit_unless_the_terminal_is_dumb)
{
    int fd = pty_fixture_open(&controller), fds[2];
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

Test(terminal_capabilities, returns_the_size_of_the_window)
{
    int fd = pty_fixture_open(&controller), fds[2];
    cr_assert_eq(pipe(fds), 0);
    ioctl(fd, TIOCSWINSZ, &(struct winsize){.ws_row = 5, .ws_col = 20});
    cr_assert_eq(terminal_size(fd).columns, 20);
    cr_assert_eq(terminal_size(fd).rows, 5);
    cr_assert_eq(terminal_size(fds[0]).columns, 80);
    cr_assert_eq(terminal_size(fds[0]).rows, 24);
}
