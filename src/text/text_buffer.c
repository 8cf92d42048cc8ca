#include "text/text_buffer.h"

#include "text/printable.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_FIRST = 4096 };

void text_buffer_free(struct text_buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct text_buffer){.bytes = NULL};
}

/* Makes room for size more bytes. Returns false if there is none. */
static bool reserve(struct text_buffer *buffer, size_t size)
{
    size_t capacity = buffer->capacity > 0 ? buffer->capacity : CAPACITY_FIRST;
    if (buffer->failed || size > TEXT_BUFFER_BYTES_MAX - buffer->size) {
        buffer->failed = true;
        return false;
    }
    if (size <= buffer->capacity - buffer->size)
        return true;
    while (capacity < buffer->size + size)
        capacity *= 2;
    char *grown = realloc(buffer->bytes, capacity);
    if (grown == NULL) {
        buffer->failed = true;
        return false;
    }
    buffer->bytes = grown;
    buffer->capacity = capacity;
    return true;
}

void text_buffer_add_bytes(struct text_buffer *buffer, const void *bytes, size_t size)
{
    if (size == 0 || !reserve(buffer, size))
        return;
    memcpy(buffer->bytes + buffer->size, bytes, size);
    buffer->size += size;
}

void text_buffer_add(struct text_buffer *buffer, const char *text)
{
    text_buffer_add_bytes(buffer, text, strlen(text));
}

void text_buffer_format(struct text_buffer *buffer, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    size_t room = buffer->capacity - buffer->size;
    char *end = room > 0 ? buffer->bytes + buffer->size : NULL;
    int length = buffer->failed ? 0 : vsnprintf(end, room, format, arguments);
    if (length < 0)
        buffer->failed = true;
    /* One byte more, for the NUL. */
    else if ((size_t)length >= room && reserve(buffer, (size_t)length + 1))
        vsnprintf(buffer->bytes + buffer->size, (size_t)length + 1, format, again);
    if (!buffer->failed)
        buffer->size += (size_t)length;
    va_end(again);
    va_end(arguments);
}

void text_buffer_add_json(struct text_buffer *buffer, const void *bytes, size_t size)
{
    char piece[PRINTABLE_BYTES];
    const char *at = bytes;
    text_buffer_add(buffer, "\"");
    for (size_t taken; size > 0; at += taken, size -= taken)
        text_buffer_add_bytes(buffer, piece, printable_json(piece, at, size, &taken));
    text_buffer_add(buffer, "\"");
}
