#ifndef TERMINAL_HISTORY_H
#define TERMINAL_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

/* Lines that were entered, oldest first, bounded in number and in bytes: the oldest go first. */
struct history;

enum {
    HISTORY_LINES_MAX = 1000,
    HISTORY_BYTES_MAX = 256 << 10, /* of all lines */
    HISTORY_LINE_MAX = 16 << 10,   /* a longer line is not remembered */
};

/* NULL: out of memory. */
struct history *history_new(void);
void history_free(struct history *history);

/* Whether a line is one to be remembered: valid UTF-8 without newline and NUL, neither empty nor
 * too long. */
bool history_takes(const char *line, size_t size);

/* Remembers such a line, unless it is the very last one again. Returns whether it did; out of
 * memory, it didn't. */
bool history_add(struct history *history, const char *line, size_t size);

/* How many lines there are. */
size_t history_count(const struct history *history);

/* A line by age: 0 is the newest; age < history_count. It is NUL-terminated, *size doesn't count
 * that, and it lives until the next history_add. */
const char *history_line(const struct history *history, size_t age, size_t *size);

/* Takes in the text of a history file: a line each, ends in LF. What is no line that history_add
 * takes (broken UTF-8, too long) is passed over. */
void history_read(struct history *history, const char *text, size_t size);

#endif
