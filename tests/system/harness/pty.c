/* Terminals without a screen. */

#define HARNESS_INTERNAL
#include "pty.h"
#include "process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* For the child that sits down at it. */
static const char *place;
static bool is_own;
static harness_prepare *before;

void pty_open(struct pty *pty)
{
    harness_forgo_leaks();
    pty->controller = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (pty->controller < 0 || grantpt(pty->controller) != 0 || unlockpt(pty->controller) != 0)
        harness_fail("expected a terminal");
    pty->name = harness_format("%s", ptsname(pty->controller));
    pty->kept = open(pty->name, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

void pty_hang_up(struct pty *pty)
{
    if (pty->controller >= 0)
        close(pty->controller);
    pty->controller = -1;
}

void pty_close(struct pty *pty)
{
    pty_hang_up(pty);
    close(pty->kept);
}

static void sit_down(void)
{
    setenv("TERM", "xterm", 1);
    setenv("XDG_STATE_HOME", harness_path("state"), 1);
    is_own = true;
    if (before)
        before();
    setsid();
    int side = open(place, O_RDWR | O_NOCTTY);
    if (is_own)
        ioctl(side, TIOCSCTTY, 0);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        dup2(side, fd);
    if (side > STDERR_FILENO)
        close(side);
}

void pty_ignore_hangup(void)
{
    signal(SIGHUP, SIG_IGN);
}

void pty_stand_apart(void)
{
    is_own = false;
}

void pty_be_dumb(void)
{
    setenv("TERM", "dumb", 1);
}

void pty_start(const struct pty *pty, struct process *process, harness_prepare *prepare,
               const char *const *argv)
{
    place = pty->name;
    before = prepare;
    process_start(process, sit_down, argv);
}

void pty_type(const struct pty *pty, const char *keys)
{
    if (write(pty->controller, keys, strlen(keys)) != (ssize_t)strlen(keys))
        harness_fail("expected to type");
}

const char *pty_await(const struct pty *pty, const char *text)
{
    char sent[16384] = "";
    size_t size = 0;
    struct pollfd wait = {.fd = pty->controller, .events = POLLIN};
    while (!strstr(sent, text)) {
        ssize_t more = -1;
        if (poll(&wait, 1, HARNESS_DEADLINE_MS) > 0)
            more = read(pty->controller, sent + size, sizeof sent - 1 - size);
        if (more <= 0)
            harness_fail("expected '%s' to be sent, it was '%s'", text, sent);
        size += (size_t)more;
        sent[size] = '\0';
    }
    return harness_format("%s", sent);
}

/* What it takes moves on a little later, and then there is room once more. */
void pty_fill(const struct pty *pty)
{
    enum { MOVED_MS = 100 };
    static const char bytes[1024];
    int fd = open(pty->name, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    if (fd < 0)
        harness_fail("expected to open %s", pty->name);
    while (poll(&room, 1, MOVED_MS) == 1)
        if (write(fd, bytes, sizeof bytes) < 0 && write(fd, bytes, 1) < 0)
            poll(NULL, 0, 1);
    while (write(fd, bytes, 1) > 0)
        continue;
    close(fd);
}

const char *pty_modes(const struct pty *pty)
{
    struct result result =
        process_run(NULL, NULL, (const char *const[]){"stty", "-a", "-F", pty->name, NULL});
    if (result.status != 0)
        harness_fail("expected stty to work, it said '%s'", result.err);
    return result.out;
}
