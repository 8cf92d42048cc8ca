#ifndef TERMINAL_EDIT_BUFFER_H
#define TERMINAL_EDIT_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

/* The text of a line that is being edited, with a cursor: inserting, erasing, moving by character
 * and by word. The text is valid UTF-8, and the cursor is always between two graphemes
 * (terminal/grapheme). The caller owns the memory. */
struct edit_buffer {
    char *bytes; /* max + 1 bytes */
    size_t max;
    size_t size;
    size_t cursor; /* offset in bytes */
};

/* Inserts text at the cursor and moves the cursor to the end of it. Text that does not fit is
 * truncated between two code points; returns false then. */
bool edit_buffer_insert(struct edit_buffer *line, const char *text, size_t size);

/* Erases the bytes [from, to) and moves the cursor to from. Both are offsets between graphemes. */
void edit_buffer_erase(struct edit_buffer *line, size_t from, size_t to);

/* Replaces the content by text, truncated to what fits, with the cursor at the end. */
void edit_buffer_set(struct edit_buffer *line, const char *text, size_t size);

/* Return the offset of the next or the previous grapheme from an offset between graphemes, or that
 * offset itself at the end or the beginning of the line. */
size_t edit_buffer_next(const struct edit_buffer *line, size_t from);
size_t edit_buffer_previous(const struct edit_buffer *line, size_t from);

/* Return the end of the first word after from, and the beginning of the last word before it. With
 * in_parts, and in _word_end, a word consists of ASCII letters, digits, '_' and any code point
 * beyond ASCII; otherwise of everything but blanks, tabs and newlines. */
size_t edit_buffer_word_end(const struct edit_buffer *line, size_t from);
size_t edit_buffer_word_begin(const struct edit_buffer *line, size_t from, bool in_parts);

/* Transposes the graphemes before and after the cursor (at the end of the line, the last two) and
 * moves the cursor after them. Returns false if there are not two. */
bool edit_buffer_transpose(struct edit_buffer *line);

#endif
