#ifndef CLIENT_SLASH_COMMANDS_H
#define CLIENT_SLASH_COMMANDS_H

#include "client/pending_requests.h"
#include "client/server_frames.h"

#include <stddef.h>
#include <stdio.h>

/* The commands of an interactive session, which begin with a slash: /help, /stats and /quit. */

enum { SLASH_COMMANDS_MAX = 8 };

enum slash_command_result {
    SLASH_COMMAND_NONE, /* the line is a message to be sent */
    SLASH_COMMAND_DONE, /* it was a command, or an unknown one; its output or an error was printed
                         */
    SLASH_COMMAND_QUIT,
};

/* Runs the command in a line that was typed, which prints to out. A line that begins with two
 * slashes is a message, from which the first slash is removed. */
enum slash_command_result slash_command_run(char **line, size_t *size,
                                            const struct pending_requests *requests,
                                            const struct server_frames *frames, FILE *out);

/* Completion: stores the commands that begin with word (size bytes at the beginning of a line) in
 * words, at most max of them. Returns their number. */
size_t slash_command_complete(const char *word, size_t size, const char **words, size_t max);

#endif
