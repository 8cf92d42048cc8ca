#ifndef TERMINAL_HISTORY_H
#define TERMINAL_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

/* The lines that were entered at a prompt, bounded in number and in bytes: a ring whose oldest
 * lines are dropped first. */
struct history;

enum {
    HISTORY_LINES_MAX = 1000,
    HISTORY_BYTES_MAX = 256 << 10, /* of all lines together */
    HISTORY_LINE_MAX = 16 << 10,   /* bytes; a longer line is not added */
};

/* Returns NULL when memory is short. */
struct history *history_new(void);
void history_free(struct history *history);

/* Returns whether a line can be added: valid UTF-8 without newline and NUL, neither empty nor
 * longer than HISTORY_LINE_MAX. */
bool history_accepts(const char *line, size_t size);

/* Adds a copy of such a line, unless it equals the newest one. Returns whether it was added; false
 * also when memory is short. */
bool history_add(struct history *history, const char *line, size_t size);

/* Returns the number of lines. */
size_t history_count(const struct history *history);

/* Returns a line by age: 0 is the newest; age < history_count. It is NUL-terminated (*size does not
 * include the NUL) and valid until the next history_add. */
const char *history_get(const struct history *history, size_t age, size_t *size);

/* Adds the lines of the text of a history file, which end in LF. Lines that history_accepts rejects
 * are skipped. */
void history_add_lines(struct history *history, const char *text, size_t size);

#endif
