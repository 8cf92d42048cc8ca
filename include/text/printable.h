#ifndef TEXT_PRINTABLE_H
#define TEXT_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Escaping of untrusted text and bytes, so that they can be printed: the result cannot control a
 * terminal, forge a log line or end a JSON string, and it can be decoded again.
 *
 * A program chooses by what reads its output: printable_text and printable_line for a terminal
 * (UTF-8 stays readable), printable_json for JSON, printable_ascii for configuration files, the
 * control protocol and messages, which stay ASCII. */

/* Whether a character may be sent to a terminal as it is: it is not a control character (C0, DEL,
 * C1), not a line separator, and none of those that reorder or hide the text around them (Unicode
 * TR 36, section 3.1). All others must be escaped. */
bool printable_is_safe(uint32_t code);

enum { PRINTABLE_BYTES = 16 }; /* the longest form of one character: four times \xNN */

/* These two escape the first character of size > 0 bytes. They write its form to out, without a
 * NUL, and return the length of the form; *taken is the number of bytes that it stands for. A
 * printable character (printable_is_safe) is copied, in UTF-8.
 *
 * For a terminal: \n \r \t \\, and \xNN for each byte of what is not printable or not UTF-8. */
size_t printable_text(char out[PRINTABLE_BYTES], const void *bytes, size_t size, size_t *taken);

/* Within a JSON string (RFC 8259): \" \\ \b \f \n \r \t, \uNNNN for other characters that are not
 * printable, and \ufffd for a byte that is not UTF-8, so that the result is always valid. */
size_t printable_json(char out[PRINTABLE_BYTES], const void *bytes, size_t size, size_t *taken);

/* The character after the backslash in the short escape of a code point: n, r, t or a backslash;
 * 0 for all other code points. */
char printable_short_escape(uint32_t code);

/* These two escape a whole text into room >= 4 bytes, NUL included, and return the length. A result
 * that does not fit is truncated after a whole escape and ends in "...".
 *
 * A line for a terminal, put together from trusted and untrusted text: as printable_text, but a
 * backslash is copied, because it may begin an escape already. */
size_t printable_line(char *out, size_t room, const char *text);

/* Bytes as printable ASCII: \n \t \r \\ \" and \xNN for all other bytes outside ' ' to '~'. A room
 * of 4 * size + 1 is always enough. */
size_t printable_ascii(char *out, size_t room, const void *bytes, size_t size);

/* Decodes one escape of printable_ascii; text is what follows the backslash, NUL-terminated.
 * Returns the length of the escape without its backslash, or 0 if it is not a valid one. */
size_t printable_unescape(const char *text, uint8_t *byte);

#endif
