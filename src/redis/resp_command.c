#include "redis/resp_command.h"

#include <string.h>

void resp_command_begin(struct text_buffer *out, size_t count)
{
    text_buffer_format(out, "*%zu\r\n", count);
}

void resp_command_add(struct text_buffer *out, const void *bytes, size_t size)
{
    text_buffer_format(out, "$%zu\r\n", size);
    text_buffer_add_bytes(out, bytes, size);
    text_buffer_add(out, "\r\n");
}

void resp_command_words(struct text_buffer *out, const char *const *words, size_t count)
{
    resp_command_begin(out, count);
    for (size_t i = 0; i < count; i++)
        resp_command_add(out, words[i], strlen(words[i]));
}
