#ifndef CLIENT_SLASH_COMMANDS_H
#define CLIENT_SLASH_COMMANDS_H

#include "client/pending_requests.h"

#include <stddef.h>
#include <stdio.h>

enum { SLASH_COMMANDS_MAX = 8 };

enum slash_command_result {
    SLASH_COMMAND_NONE, /* the line is to be sent */
    SLASH_COMMAND_DONE, /* it was one, or looked like one; what it had to say was printed */
    SLASH_COMMAND_QUIT,
};

/* A line that a person typed: /help, /stats and /quit are commands, which print to out; a line that
 * begins with two slashes is to be sent without the first, which is then taken off. */
enum slash_command_result slash_command_run(char **line, size_t *size,
                                            const struct pending_requests *exchange, FILE *out);

/* Fills in what completes a word of size bytes at the beginning of a line, at most room commands.
 * Returns how many. */
size_t slash_command_complete(const char *word, size_t size, const char **words, size_t room);

#endif
