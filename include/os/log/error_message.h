#ifndef OS_LOG_ERROR_MESSAGE_H
#define OS_LOG_ERROR_MESSAGE_H

#include <stdbool.h>

/* Error messages on standard error, one line each, in the same form in all programs:
 *
 *     PROGRAM: ATTEMPT: WHY; NEXT
 *
 * what was attempted and with what ("sending 5 bytes to 127.0.0.1:3000"), why it failed ("refused:
 * no program listens on that UDP port"), and what to do next ("start the service, or check the
 * address"). PROGRAM is the name that the program was started by. Bytes from arguments, files or
 * the network that could control the terminal are escaped (printable_line). */

enum { EXIT_USAGE = 2 }; /* the exit status of wrong usage */

/* Prints an error. attempt is a format of printf; why and next are not. */
void print_error(const char *why, const char *next, const char *attempt, ...)
    __attribute__((format(printf, 3, 4)));

/* Prints a text from a module that does not print. With next NULL, text is "ATTEMPT: WHY; NEXT";
 * otherwise it is "ATTEMPT: WHY", and next is appended. */
void print_error_text(const char *text, const char *next);

/* Prints an error of a configuration, "FILE:LINE:COLUMN: WHY" as compilers do, and before it the
 * name of the program only if named. It may have further lines, which can be pasted into the file.
 */
void print_config_error(const char *fault, bool named);

/* Prints an error of the command line: "PROGRAM: command line: WHY; try 'PROGRAM --help'".
 * Returns EXIT_USAGE. */
int print_usage_error(const char *why, ...) __attribute__((format(printf, 1, 2)));

#endif
