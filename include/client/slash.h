#ifndef CLIENT_SLASH_H
#define CLIENT_SLASH_H

#include "client/exchange.h"

#include <stddef.h>
#include <stdio.h>

enum { SLASH_COMMANDS_MAX = 8 };

enum slash_result {
    SLASH_NONE, /* the line is to be sent */
    SLASH_DONE, /* it was one, or looked like one; what it had to say was printed */
    SLASH_QUIT,
};

/* A line that a person typed: /help, /stats and /quit are commands, which print to out; a line that
 * begins with two slashes is to be sent without the first, which is then taken off. */
enum slash_result slash_run(char **line, size_t *size, const struct exchange *exchange, FILE *out);

/* Fills in what completes a word of size bytes at the beginning of a line, at most room commands.
 * Returns how many. */
size_t slash_complete(const char *word, size_t size, const char **words, size_t room);

#endif
