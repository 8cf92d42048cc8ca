/* Pseudo-terminals: see pty.h. */

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

/* The parameters of attach(), which runs in the child and takes no argument. */
static const char *terminal_name;
static bool is_controlling;
static harness_prepare *prepare_child;

void pty_open(struct pty *pty)
{
    harness_disable_leak_check();
    pty->controller = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (pty->controller < 0 || grantpt(pty->controller) != 0 || unlockpt(pty->controller) != 0)
        harness_fail("expected a terminal");
    pty->name = harness_format("%s", ptsname(pty->controller));
    pty->terminal = open(pty->name, O_RDWR | O_NOCTTY | O_CLOEXEC);
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
    close(pty->terminal);
}

static void attach(void)
{
    setenv("TERM", "xterm", 1);
    setenv("XDG_STATE_HOME", harness_path("state"), 1);
    is_controlling = true;
    if (prepare_child)
        prepare_child();
    setsid();
    int terminal = open(terminal_name, O_RDWR | O_NOCTTY);
    if (is_controlling)
        ioctl(terminal, TIOCSCTTY, 0);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        dup2(terminal, fd);
    if (terminal > STDERR_FILENO)
        close(terminal);
}

void pty_ignore_hangup(void)
{
    signal(SIGHUP, SIG_IGN);
}

void pty_not_controlling(void)
{
    is_controlling = false;
}

void pty_set_dumb(void)
{
    setenv("TERM", "dumb", 1);
}

void pty_start(const struct pty *pty, struct process *process, harness_prepare *prepare,
               const char *const *argv)
{
    terminal_name = pty->name;
    prepare_child = prepare;
    process_start(process, attach, argv);
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

/* The kernel moves written bytes to the next buffer a little later, which makes space again. */
void pty_fill(const struct pty *pty)
{
    enum { MOVED_MS = 100 };
    static const char bytes[1024];
    int fd = open(pty->name, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    if (fd < 0)
        harness_fail("expected to open %s", pty->name);
    while (poll(&wait, 1, MOVED_MS) == 1)
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
        harness_fail("expected stty to work, it printed '%s'", result.err);
    return result.out;
}
