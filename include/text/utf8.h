#ifndef TEXT_UTF8_H
#define TEXT_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The length in bytes, 1 to 4, of the UTF-8 sequence in front of size >= 1 bytes, with its code
 * point, by the table of RFC 3629, section 4; 0 if what stands there is none: a stray byte, an
 * overlong form, a surrogate, a sequence cut short. */
size_t utf8_decode(const void *text, size_t size, uint32_t *code);

/* The same in front of text (NUL-terminated, not empty), for its length alone. */
size_t utf8_length(const char *text);

#endif
