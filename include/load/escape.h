#ifndef LOAD_ESCAPE_H
#define LOAD_ESCAPE_H

#include <stdio.h>

/* Any text, printed so that it stays what it is; NULL is the empty one, and what is not UTF-8
 * (RFC 3629) becomes U+FFFD. */

/* A JSON string with its quotes (RFC 8259). "<" is escaped too, so that no text can end or open
 * anything in a script element of HTML. */
void escape_json(FILE *out, const char *text);

/* Text of HTML, or the value of an attribute in double quotes. A control character, which HTML
 * forbids, becomes U+FFFD too. */
void escape_html(FILE *out, const char *text);

/* A line for a terminal: control characters become U+FFFD too. */
void escape_line(FILE *out, const char *text);

#endif
