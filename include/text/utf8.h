#ifndef TEXT_UTF8_H
#define TEXT_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* UTF-8 decoding and validation by the table of RFC 3629, section 4. */

/* Returns the length in bytes, 1 to 4, of the sequence at the beginning of size >= 1 bytes, and
 * stores its code point. Returns 0 if the sequence is invalid: a stray byte, an overlong form, a
 * surrogate, a code point above U+10FFFF, a truncated sequence. */
size_t utf8_decode(const void *text, size_t size, uint32_t *code);

/* Returns only the length, of a text that is NUL-terminated and not empty. */
size_t utf8_length(const char *text);

#endif
