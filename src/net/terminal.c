/* Who reads what is written: a person at a terminal, or a program. */
#include "net/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool terminal_is(int fd)
{
    return isatty(fd) == 1;
}

bool terminal_wants_colour(int fd)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    if (no_colour != NULL && *no_colour != '\0')
        return false;
    return terminal_is(fd) && term != NULL && strcmp(term, "dumb") != 0;
}
