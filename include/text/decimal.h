#ifndef TEXT_DECIMAL_H
#define TEXT_DECIMAL_H

#include <stdint.h>

/* Decimal formatting without printf, for texts that are written for each datagram or copy. */

enum { DECIMAL_BYTES = 20 /* of UINT64_MAX */ };

/* Writes the digits of a number, without a NUL. Returns the position after them. */
char *decimal_write(char *out, uint64_t number);

#endif
