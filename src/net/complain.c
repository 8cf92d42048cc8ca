/* One form for all that goes wrong. */
#include "net/complain.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* In one write, so that lines of several programs on one terminal don't mix. */
static void say(const char *attempt, const char *why, const char *next)
{
    char line[1024];
    int size = snprintf(line, sizeof line, "%s: %s: %s; %s\n", program_invocation_short_name,
                        attempt, why, next);
    if (size > 0 && (size_t)size < sizeof line)
        fputs(line, stderr);
    else
        fprintf(stderr, "%s: %s: %s; %s\n", program_invocation_short_name, attempt, why, next);
}

void complain(const char *why, const char *next, const char *attempt, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, attempt);
    vsnprintf(text, sizeof text, attempt, arguments);
    va_end(arguments);
    say(text, why, next);
}

void complain_text(const char *text, const char *next)
{
    fprintf(stderr, "%s: %s%s%s\n", program_invocation_short_name, text, next ? "; " : "",
            next ? next : "");
}

int complain_usage(const char *why, ...)
{
    char text[768], next[128];
    va_list arguments;
    va_start(arguments, why);
    vsnprintf(text, sizeof text, why, arguments);
    va_end(arguments);
    snprintf(next, sizeof next, "try '%s --help'", program_invocation_short_name);
    say("command line", text, next);
    return COMPLAIN_USAGE;
}
