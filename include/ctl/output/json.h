#ifndef CTL_OUTPUT_JSON_H
#define CTL_OUTPUT_JSON_H

#include <stdio.h>

/* Writes text as a JSON string with its quotes. Invalid UTF-8 is replaced (text/printable.h). */
void json_string(FILE *out, const char *text);

#endif
