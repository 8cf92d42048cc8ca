#include "os/terminal/terminal_capabilities.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool terminal_is_tty(int fd)
{
    return isatty(fd) == 1;
}

bool terminal_is_writable(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLOUT};

    return poll(&wait, 1, 0) == 1;
}

/* Returns whether TERM names a terminal that understands escape sequences. */
static bool has_escape_sequences(void)
{
    const char *term = getenv("TERM");
    return term && *term && strcmp(term, "dumb") != 0 && strcmp(term, "unknown") != 0;
}

bool terminal_wants_colour(int fd)
{
    const char *no_colour = getenv("NO_COLOR");

    if (no_colour != NULL && *no_colour != '\0')
        return false;
    return terminal_is_tty(fd) && has_escape_sequences();
}

bool terminal_can_edit(int in, int out)
{
    return terminal_is_tty(in) && terminal_is_tty(out) && has_escape_sequences();
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
