#include "text/line_splitter.h"

#include <string.h>

void line_splitter_init(struct line_splitter *lines, char *bytes, size_t room)
{
    *lines = (struct line_splitter){.bytes = bytes, .room = room};
}

char *line_splitter_space(struct line_splitter *lines, size_t *capacity)
{
    memmove(lines->bytes, lines->bytes + lines->begin, lines->end - lines->begin);
    lines->scanned -= lines->begin;
    lines->end -= lines->begin;
    lines->begin = 0;
    *capacity = lines->room - lines->end;
    return lines->bytes + lines->end;
}

void line_splitter_add(struct line_splitter *lines, size_t size)
{
    lines->end += size;
}

void line_splitter_finish(struct line_splitter *lines)
{
    lines->ended = true;
}

/* Takes the bytes up to stop, and the newline after them if there is one. */
static void take_line(struct line_splitter *lines, size_t stop, char **line, size_t *size)
{
    *line = lines->bytes + lines->begin;
    *size = stop - lines->begin;
    if (stop < lines->end && *size && (*line)[*size - 1] == '\r')
        --*size;
    lines->begin = lines->scanned = stop < lines->end ? stop + 1 : stop;
}

enum line_splitter_result line_splitter_next(struct line_splitter *lines, char **line, size_t *size)
{
    for (;;) {
        char *newline = memchr(lines->bytes + lines->scanned, '\n', lines->end - lines->scanned);
        size_t stop = newline ? (size_t)(newline - lines->bytes) : lines->end;
        lines->scanned = stop;
        bool full = stop - lines->begin == lines->room;
        bool last = lines->ended && stop > lines->begin;
        if (!newline && !full && !last && !lines->skipping)
            return LINE_SPLITTER_NONE;
        take_line(lines, stop, line, size);
        if (!lines->skipping) {
            lines->number++;
            lines->skipping = full;
            return full ? LINE_SPLITTER_TOO_LONG : LINE_SPLITTER_LINE;
        }
        if (!newline)
            return LINE_SPLITTER_NONE;
        lines->skipping = false;
    }
}
