#ifndef TEXT_HEX_H
#define TEXT_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Hexadecimal encoding and decoding of bytes. */

/* Returns the value of a digit in either case, or -1 for another character. */
int hex_digit(char c);

/* Writes size bytes as lower-case digits. out has room for 2 * size + 1 bytes, a NUL included. */
void hex_encode(char *out, const void *bytes, size_t size);

/* Decodes length digits, in either case, to length / 2 bytes. out may be the same memory as hex.
 * Returns false if the length is odd or if a character is not a digit; out may then be partly
 * written. */
bool hex_decode(uint8_t *out, const char *hex, size_t length);

#endif
