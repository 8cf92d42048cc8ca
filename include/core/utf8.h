#ifndef CORE_UTF8_H
#define CORE_UTF8_H

#include <stddef.h>

/* The length in bytes, 1 to 4, of the UTF-8 sequence in front of text (NUL-terminated, not empty),
 * by the table of RFC 3629, section 4; 0 if what stands there is none: a stray byte, an overlong
 * form, a surrogate, a sequence cut short. */
size_t utf8_length(const char *text);

#endif
