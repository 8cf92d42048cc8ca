#ifndef TEXT_PRINTABLE_H
#define TEXT_PRINTABLE_H

#include <stddef.h>
#include <stdint.h>

/* Text from outside in a form that can be printed: it can't steer a terminal or end a JSON string,
 * and what was printed can be read back. The verbs take the first character of size > 0 bytes,
 * write its form to out without a NUL, and return the length of that form; *taken is how many of
 * the bytes it stands for. A character that shows (character_width_shows) stays as it is, in UTF-8.
 */

enum { PRINTABLE_BYTES = 16 }; /* the longest form: four times \xNN */

/* For people: \n \r \t \\ and \xNN, byte by byte, for what doesn't show or isn't UTF-8. */
size_t printable_text(char out[PRINTABLE_BYTES], const void *bytes, size_t size, size_t *taken);

/* Within a JSON string (RFC 8259): \" \\ \b \f \n \r \t, \uNNNN for what else doesn't show, and
 * \ufffd for a byte that isn't UTF-8, so that the result is always valid. */
size_t printable_json(char out[PRINTABLE_BYTES], const void *bytes, size_t size, size_t *taken);

/* The letter behind a backslash that stands for a code point: n, r, t, a backslash; else 0. */
char printable_letter(uint32_t code);

/* Writes a whole line that was put together from text that shows and text that may not: as
 * printable_text, but a backslash stays one, since what stands behind it may be escaped already.
 * What room bytes don't hold ends in "...". room >= 4. Returns the length. */
size_t printable_line(char *out, size_t room, const char *text);

#endif
