#include "terminal/edit_buffer.h"

#include "terminal/grapheme.h"

#include <string.h>

/* Returns how many bytes of text fit into capacity bytes without dividing a code point. */
static size_t fitting_size(const char *text, size_t size, size_t capacity)
{
    if (size <= capacity)
        return size;
    while (capacity && ((unsigned char)text[capacity] & 0xc0) == 0x80)
        capacity--;
    return capacity;
}

/* Text on both sides of the cursor may have become one grapheme: moves the cursor after it. */
static void move_out_of_grapheme(struct edit_buffer *line)
{
    if (line->cursor == 0 || line->cursor == line->size)
        return;
    size_t begin = grapheme_before(line->bytes, line->cursor);
    size_t end = begin + grapheme_first(line->bytes + begin, line->size - begin).size;
    line->cursor = end > line->cursor ? end : line->cursor;
}

bool edit_buffer_insert(struct edit_buffer *line, const char *text, size_t size)
{
    size_t fits = fitting_size(text, size, line->max - line->size);
    char *at = line->bytes + line->cursor;
    memmove(at + fits, at, line->size - line->cursor);
    memcpy(at, text, fits);
    line->size += fits;
    line->cursor += fits;
    move_out_of_grapheme(line);
    return fits == size;
}

void edit_buffer_erase(struct edit_buffer *line, size_t from, size_t to)
{
    memmove(line->bytes + from, line->bytes + to, line->size - to);
    line->size -= to - from;
    line->cursor = from;
    move_out_of_grapheme(line);
}

void edit_buffer_set(struct edit_buffer *line, const char *text, size_t size)
{
    line->size = line->cursor = fitting_size(text, size, line->max);
    memcpy(line->bytes, text, line->size);
}

size_t edit_buffer_next(const struct edit_buffer *line, size_t from)
{
    return from == line->size ? from
                              : from + grapheme_first(line->bytes + from, line->size - from).size;
}

size_t edit_buffer_previous(const struct edit_buffer *line, size_t from)
{
    return from ? grapheme_before(line->bytes, from) : 0;
}

static bool is_word_byte(char byte, bool in_parts)
{
    unsigned char code = (unsigned char)byte;
    if (!in_parts)
        return code != ' ' && code != '\t' && code != '\n';
    return code >= 0x80 || (code >= '0' && code <= '9') || (code >= 'A' && code <= 'Z') ||
           (code >= 'a' && code <= 'z') || code == '_';
}

size_t edit_buffer_word_end(const struct edit_buffer *line, size_t from)
{
    while (from < line->size && !is_word_byte(line->bytes[from], true))
        from = edit_buffer_next(line, from);
    while (from < line->size && is_word_byte(line->bytes[from], true))
        from = edit_buffer_next(line, from);
    return from;
}

size_t edit_buffer_word_begin(const struct edit_buffer *line, size_t from, bool in_parts)
{
    size_t before = edit_buffer_previous(line, from);
    for (; from && !is_word_byte(line->bytes[before], in_parts);
         before = edit_buffer_previous(line, from))
        from = before;
    for (; from && is_word_byte(line->bytes[before], in_parts);
         before = edit_buffer_previous(line, from))
        from = before;
    return from;
}

bool edit_buffer_transpose(struct edit_buffer *line)
{
    size_t end = edit_buffer_next(line, line->cursor);
    size_t middle = end == line->cursor ? edit_buffer_previous(line, end) : line->cursor;
    size_t begin = edit_buffer_previous(line, middle);
    if (begin == middle)
        return false;
    char *bytes = line->bytes;
    /* Rotates in place by reversing the whole, then each half. */
    size_t ranges[][2] = {{begin, end}, {begin, begin + end - middle}, {begin + end - middle, end}};
    for (int i = 0; i < 3; i++)
        for (size_t low = ranges[i][0], high = ranges[i][1]; low + 1 < high; low++, high--) {
            char byte = bytes[low];
            bytes[low] = bytes[high - 1];
            bytes[high - 1] = byte;
        }
    line->cursor = end;
    move_out_of_grapheme(line);
    return true;
}
