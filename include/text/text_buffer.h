#ifndef TEXT_TEXT_BUFFER_H
#define TEXT_TEXT_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

/* A text in memory that grows at its end. Initialize it with {0}. If memory is short, or the text
 * would be longer than TEXT_BUFFER_BYTES_MAX, it has failed: it keeps what it has, and adding to it
 * does nothing any more; so its owner checks it once, at the end. */
struct text_buffer {
    char *bytes; /* NULL while size is 0 */
    size_t size, capacity;
    bool failed;
};

enum { TEXT_BUFFER_BYTES_MAX = 64 << 20 };

void text_buffer_free(struct text_buffer *buffer);

/* Each adds to the end: size bytes, a text without its NUL, or a formatted text. */
void text_buffer_add_bytes(struct text_buffer *buffer, const void *bytes, size_t size);
void text_buffer_add(struct text_buffer *buffer, const char *text);
void text_buffer_format(struct text_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds bytes as a string of JSON, in its quotes (text/printable, printable_json). */
void text_buffer_add_json(struct text_buffer *buffer, const void *bytes, size_t size);

#endif
