#ifndef REDIS_RESP_COMMAND_H
#define REDIS_RESP_COMMAND_H

#include "text/text_buffer.h"

/* Commands to Redis in RESP2: an array of bulk strings, which may have any bytes. */

/* Begins a command of count words; resp_command_add adds each of them. */
void resp_command_begin(struct text_buffer *out, size_t count);
void resp_command_add(struct text_buffer *out, const void *bytes, size_t size);

/* Adds a whole command of count words that are texts. */
void resp_command_words(struct text_buffer *out, const char *const *words, size_t count);

#endif
