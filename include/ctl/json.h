#ifndef CTL_JSON_H
#define CTL_JSON_H

#include <stdio.h>

/* Writes text as a JSON string with its quotes (RFC 8259): control characters are escaped, and what
 * is not UTF-8 (RFC 3629) becomes U+FFFD, so that the result is always valid. */
void json_string(FILE *out, const char *text);

#endif
