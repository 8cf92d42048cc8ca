#include "net/terminal.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* A terminal of the test's own. */
static int open_terminal(void)
{
    int controller = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (controller < 0 || grantpt(controller) != 0 || unlockpt(controller) != 0)
        cr_skip("this host gives no pseudo-terminal");
    int fd = open(ptsname(controller), O_RDWR | O_NOCTTY | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    return fd;
}

Test(terminal, is_told_from_a_pipe)
{
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    cr_assert_not(terminal_is(fds[0]));
    cr_assert_not(terminal_is(-1));
    cr_assert(terminal_is(open_terminal()));
}

Test(terminal, gets_colour_unless_the_environment_says_no)
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

Test(terminal, pipe_gets_no_colour)
{
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    cr_assert_not(terminal_wants_colour(fds[1]));
}
