#ifndef LOAD_REPORT_ESCAPE_H
#define LOAD_REPORT_ESCAPE_H

#include <stdio.h>

/* Any text, printed so that it stays what it is; NULL is the empty one. */

/* A JSON string with its quotes (RFC 8259); what is not UTF-8 becomes U+FFFD. "<" is escaped too,
 * so that no text can end or open anything in a script element of HTML. */
void escape_json(FILE *out, const char *text);

/* Text of HTML, or the value of an attribute in double quotes. What doesn't show, which HTML
 * forbids in part, and what is not UTF-8 is written as in a line for a terminal. */
void escape_html(FILE *out, const char *text);

/* A line for a terminal: what doesn't show or is not UTF-8 as \n, \r, \t or \xNN. A backslash stays
 * one: what stands behind it may be escaped already. */
void escape_line(FILE *out, const char *text);

#endif
