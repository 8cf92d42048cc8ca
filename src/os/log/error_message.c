#include "os/log/error_message.h"

#include "text/printable.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 8192 /* longer than the longest attempt and reason, escaped */ };

/* Appends text to a line of LINE_BYTES, with bytes escaped that could control the terminal. */
static void append(char *line, const char *text)
{
    size_t size = strlen(line);
    if (size + 4 < LINE_BYTES)
        printable_line(line + size, LINE_BYTES - size, text);
}

/* Writes the line at once, so that lines of several programs on one terminal do not mix. Standard
 * error may be non-blocking if another process that shares it has set that. */
static void print(char *line)
{
    struct pollfd wait = {.fd = STDERR_FILENO, .events = POLLOUT};
    size_t size = strlen(line);
    line[size < LINE_BYTES - 1 ? size++ : size - 1] = '\n';
    while (size > 0) {
        ssize_t part = write(STDERR_FILENO, line, size);
        if (part >= 0) {
            line += part;
            size -= (size_t)part;
        } else if (errno == EAGAIN) {
            poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            return;
        }
    }
}

static void print_parts(const char *attempt, const char *why, const char *next)
{
    char line[LINE_BYTES] = "";
    const char *const parts[] = {
        program_invocation_short_name, ": ", attempt, ": ", why, "; ", next};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        append(line, parts[i]);
    print(line);
}

void print_error(const char *why, const char *next, const char *attempt, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, attempt);
    vsnprintf(text, sizeof text, attempt, arguments);
    va_end(arguments);
    print_parts(text, why, next);
}

void print_error_text(const char *text, const char *next)
{
    char line[LINE_BYTES] = "";
    append(line, program_invocation_short_name);
    append(line, ": ");
    append(line, text);
    append(line, next ? "; " : "");
    append(line, next ? next : "");
    print(line);
}

void print_config_error(const char *fault, bool named)
{
    char text[LINE_BYTES], line[LINE_BYTES] = "";
    char *rest = text;
    snprintf(text, sizeof text, "%s%s%s", named ? program_invocation_short_name : "",
             named ? ": " : "", fault);
    for (const char *part; (part = strsep(&rest, "\n"));) {
        append(line, part);
        if (rest && strlen(line) < LINE_BYTES - 2)
            strcat(line, "\n");
    }
    print(line);
}

int print_usage_error(const char *why, ...)
{
    char text[768], next[128];
    va_list arguments;
    va_start(arguments, why);
    vsnprintf(text, sizeof text, why, arguments);
    va_end(arguments);
    snprintf(next, sizeof next, "try '%s --help'", program_invocation_short_name);
    print_parts("command line", text, next);
    return EXIT_USAGE;
}
