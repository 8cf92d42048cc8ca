#ifndef LOAD_REPORT_ESCAPE_H
#define LOAD_REPORT_ESCAPE_H

#include <stdio.h>

/* Escapes texts for JSON, HTML and terminals, so that no text changes the format around it. NULL
 * counts as an empty text. */

/* Prints a JSON string with its quotes (RFC 8259); invalid UTF-8 becomes U+FFFD. "<" is escaped,
 * too, so that no text can end a script element of HTML. */
void escape_json(FILE *out, const char *text);

/* Prints HTML text or an attribute value for double quotes. Characters that are not printable, some
 * of which HTML forbids, and invalid UTF-8 are escaped as by escape_line. */
void escape_html(FILE *out, const char *text);

/* Prints one line for a terminal: characters that are not printable and invalid UTF-8 as \n, \r, \t
 * or \xNN. Backslashes are not escaped, because the text may contain such escapes already. */
void escape_line(FILE *out, const char *text);

#endif
