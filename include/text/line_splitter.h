#ifndef TEXT_LINE_SPLITTER_H
#define TEXT_LINE_SPLITTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Splits an input of bytes into lines, in a buffer of fixed size. */

/* A line ends in LF or CRLF, which is not part of it; the last line needs neither. */
struct line_splitter {
    char *bytes;
    size_t room;
    size_t begin, scanned, end;
    uint64_t number; /* of the line last returned, from 1 */
    bool skipping;   /* the rest of a line that is too long is skipped */
    bool ended;
};

/* The caller owns the memory of room bytes, which limits the length of a line. */
void line_splitter_init(struct line_splitter *lines, char *bytes, size_t room);

enum line_splitter_result { LINE_SPLITTER_NONE, LINE_SPLITTER_LINE, LINE_SPLITTER_TOO_LONG };

/* Returns where to store the next bytes that are read, and sets *capacity to their maximum (never 0
 * after LINE_SPLITTER_NONE). Then call line_splitter_add with the number of bytes that were read.
 * Lines that were returned before become invalid. */
char *line_splitter_space(struct line_splitter *lines, size_t *capacity);
void line_splitter_add(struct line_splitter *lines, size_t size);

/* Marks the end of the input. */
void line_splitter_finish(struct line_splitter *lines);

/* Sets *line and *size to the next line, in place and not NUL-terminated; the caller may change it.
 * Returns LINE_SPLITTER_LINE; LINE_SPLITTER_NONE if no whole line is there; or
 * LINE_SPLITTER_TOO_LONG, once for each line that has more than room bytes with its
 * newline and is skipped. */
enum line_splitter_result line_splitter_next(struct line_splitter *lines, char **line,
                                             size_t *size);

#endif
