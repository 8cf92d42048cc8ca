#ifndef CTL_COMMANDS_CONFIRMATION_H
#define CTL_COMMANDS_CONFIRMATION_H

#include <stdbool.h>

/* The question before a command that cannot be taken back. */

/* Whether there is a person to ask: standard input and standard error are terminals. */
bool confirmation_is_possible(void);

/* Prints "QUESTION [y/N] " on standard error, reads a line, and returns whether it is y or yes, in
 * either case. Every other line, and the end of the input, mean no. */
bool confirmation_ask(const char *question);

#endif
