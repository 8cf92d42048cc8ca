#ifndef CTL_JSON_H
#define CTL_JSON_H

#include <stdio.h>

/* Writes text as a JSON string with its quotes (base/printable.h). */
void json_string(FILE *out, const char *text);

#endif
