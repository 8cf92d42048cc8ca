#ifndef CLIENT_LINE_SPLITTER_H
#define CLIENT_LINE_SPLITTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    /* A line with its CRLF: the longest datagram as hexadecimal digits, 2 * 65535, and two. */
    LINE_SPLITTER_BYTES = 131072,
};

/* Bytes in, lines out. A line ends in LF or CRLF, which is not part of it; the last needs neither.
 * All zero is the beginning. */
struct line_splitter {
    size_t begin, scanned, end;
    uint64_t number; /* of the line last handed out, from 1 */
    bool skipping;   /* the rest of a line that was too long */
    bool ended;
    char bytes[LINE_SPLITTER_BYTES];
};

enum line_splitter_found { LINE_SPLITTER_NONE, LINE_SPLITTER_LINE, LINE_SPLITTER_TOO_LONG };

/* Where the next bytes go, room of them (never 0 behind LINE_SPLITTER_NONE); then tell how many
 * came. What was handed out before is gone. */
char *line_splitter_room(struct line_splitter *lines, size_t *room);
void line_splitter_filled(struct line_splitter *lines, size_t size);

/* No more bytes will come. */
void line_splitter_finish(struct line_splitter *lines);

/* The next line, in place and not terminated; it may be changed. LINE_SPLITTER_TOO_LONG, told once,
 * stands for a line that, with its newline, has more than LINE_SPLITTER_BYTES, and is passed over.
 */
enum line_splitter_found line_splitter_next(struct line_splitter *lines, char **line, size_t *size);

#endif
