#ifndef OS_LOG_ERROR_MESSAGE_H
#define OS_LOG_ERROR_MESSAGE_H

#include <stdbool.h>

/* What went wrong, on standard error, in one form for all programs, a line each:
 *
 *     PROGRAM: ATTEMPT: WHY; NEXT
 *
 * what was attempted and on what ("sending 5 bytes to 127.0.0.1:3000"), why it failed ("refused: no
 * program listens on that UDP port"), and what to do next ("start the service, or check the
 * address"). PROGRAM is the name that it was started by. What an argument,
 * a file or the network may have put into any of them is escaped (printable_line). */

enum { EXIT_USAGE = 2 }; /* the exit status of wrong usage */

void print_error(const char *why, const char *next, const char *attempt, ...)
    __attribute__((format(printf, 3, 4)));

/* Says a text that is "ATTEMPT: WHY; NEXT" already, as it came from where nothing is printed; or,
 * if next isn't NULL, "ATTEMPT: WHY". */
void print_error_text(const char *text, const char *next);

/* Says a fault of a configuration in the form of compilers, FILE:LINE:COLUMN: WHY, without our name
 * unless it is named; it may have further lines, to be pasted into the file. */
void print_config_error(const char *fault, bool named);

/* The same for a command line that is wrong: "PROGRAM: command line: WHY; try 'PROGRAM --help'".
 * Returns EXIT_USAGE. */
int print_usage_error(const char *why, ...) __attribute__((format(printf, 1, 2)));

#endif
