#ifndef CTL_OUTPUT_JSON_H
#define CTL_OUTPUT_JSON_H

#include <stddef.h>
#include <stdio.h>

/* Write a text, or bytes, as a JSON string with its quotes. Invalid UTF-8 is replaced
 * (text/printable.h). */
void json_string(FILE *out, const char *text);
void json_bytes(FILE *out, const void *bytes, size_t size);

#endif
