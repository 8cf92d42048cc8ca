/* udpcli at a terminal without escape sequences (TERM=dumb): a plain prompt. */

#include "udpcli_service.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

TestSuite(system_udpcli_plain_terminal, .fini = harness_end, .timeout = 60);

static int terminal = -1;
static char screen[8192];

/* A terminal without escape sequences; for others see udpcli_terminal.c. */
static void attach_terminal(void)
{
    setenv("TERM", "dumb", 1);
    setsid();
    int fd_terminal = open(ptsname(terminal), O_RDWR);
    ioctl(fd_terminal, TIOCSCTTY, 0);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        dup2(fd_terminal, fd);
}

static void start_at_terminal(struct process *process, const char *words)
{
    service_open_ipv4();
    terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    expect(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0,
           "expected a terminal: %s", strerror(errno));
    udpcli_start(process, attach_terminal, words);
}

static void type(const char *text)
{
    expect(write(terminal, text, strlen(text)) == (ssize_t)strlen(text), "expected to type");
}

/* Waits until the screen shows text after the text that was awaited before. */
static void await_screen(const char *text)
{
    static size_t size, seen;
    struct pollfd wait = {.fd = terminal, .events = POLLIN};
    char *found;
    while ((found = strstr(screen + seen, text)) == NULL) {
        ssize_t more = -1;
        if (poll(&wait, 1, HARNESS_DEADLINE_MS) > 0)
            more = read(terminal, screen + size, sizeof screen - 1 - size);
        expect(more > 0, "expected '%s' on the screen, it shows '%s'", text, screen + seen);
        size += (size_t)more;
    }
    seen = (size_t)(found - screen) + strlen(text);
}

Test(system_udpcli_plain_terminal, prompts_on_a_terminal_and_prints_at_any_time)
{
    struct process cli;
    start_at_terminal(&cli, "@");
    await_screen("> ");
    type("hello\n");
    service_answer("hello", "grüße");
    await_screen("grüße\r\n> ");
    udp_send_text(service_udp, &service_client, "a \x1b[2J broadcast");
    await_screen("a \\x1b[2J broadcast\r\n> ");
    type("exit\n");
    harness_equal("status", process_wait(&cli), 0);
}

Test(system_udpcli_plain_terminal, keeps_a_partly_typed_line_on_the_screen_and_in_the_terminal)
{
    struct process cli;
    start_at_terminal(&cli, "--plain @");
    await_screen("> ");
    type("hello\n");
    service_answer("hello", "audi");
    await_screen("audi\r\n> ");
    type("half of");
    await_screen("half of");
    udp_send_text(service_udp, &service_client, "a broadcast");
    await_screen("\r\na broadcast\r\n> ");
    type(" a line\n");
    service_expect("half of a line");
    expect(strchr(screen, '\x1b') == NULL, "expected nothing to be erased: '%s'", screen);
    type("exit\n");
    udp_send_text(service_udp, &service_client, "bmw");
    harness_equal("status", process_wait(&cli), 0);
}

Test(system_udpcli_plain_terminal, ends_on_a_terminal_at_the_end_of_input)
{
    struct process cli;
    start_at_terminal(&cli, "@");
    await_screen("> ");
    type("hello\n");
    service_answer("hello", "audi");
    await_screen("audi\r\n> ");
    type("\x04");
    harness_equal("status", process_wait(&cli), 0);
    await_screen("\r\n");
}

Test(system_udpcli_plain_terminal, waits_on_a_terminal_for_the_last_reply)
{
    struct process cli;
    start_at_terminal(&cli, "-w 5m @");
    await_screen("> ");
    type("hello\nexit\n");
    service_answer("hello", "audi");
    await_screen("audi\r\n");
    harness_equal("status", process_wait(&cli), 0);
}

Test(system_udpcli_plain_terminal, ends_on_a_terminal_when_interrupted)
{
    struct process cli;
    start_at_terminal(&cli, "-w 5m @");
    await_screen("> ");
    type("hello\n");
    service_expect("hello");
    type("\x03");
    harness_equal("status", process_wait(&cli), 0);
}

Test(system_udpcli_plain_terminal, reports_on_a_terminal_that_no_reply_was_received)
{
    struct process cli;
    start_at_terminal(&cli, "-w 50ms @");
    await_screen("> ");
    type("hello\n");
    await_screen("no reply within 50ms");
    udp_refuse(service_udp);
    type("hello\n");
    await_screen("refused");
    type("exit\n");
    harness_equal("status", process_wait(&cli), 0);
}
