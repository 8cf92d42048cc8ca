#ifndef CLIENT_LINES_H
#define CLIENT_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    /* A line with its CRLF: the longest datagram as hexadecimal digits, 2 * 65535, and two. */
    LINES_BYTES = 131072,
};

/* Bytes in, lines out. A line ends in LF or CRLF, which is not part of it; the last needs neither.
 * All zero is the beginning. */
struct lines {
    size_t begin, scanned, end;
    uint64_t number; /* of the line last handed out, from 1 */
    bool skipping;   /* the rest of a line that was too long */
    bool ended;
    char bytes[LINES_BYTES];
};

enum lines_found { LINES_NONE, LINES_LINE, LINES_TOO_LONG };

/* Where the next bytes go, room of them (never 0 behind LINES_NONE); then tell how many came. What
 * was handed out before is gone. */
char *lines_room(struct lines *lines, size_t *room);
void lines_filled(struct lines *lines, size_t size);

/* No more bytes will come. */
void lines_finish(struct lines *lines);

/* The next line, in place and not terminated; it may be changed. LINES_TOO_LONG, told once, stands
 * for a line that, with its newline, has more than LINES_BYTES, and is passed over. */
enum lines_found lines_next(struct lines *lines, char **line, size_t *size);

#endif
