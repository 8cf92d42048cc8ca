#include "text/decimal.h"

#include <stddef.h>
#include <string.h>

/* Two digits at a time halve the divisions. */
static const char PAIRS[] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
    "8081828384858687888990919293949596979899";

char *decimal_write(char *out, uint64_t number)
{
    char digits[DECIMAL_BYTES];
    size_t first = DECIMAL_BYTES;
    for (; number >= 100; number /= 100)
        memcpy(&digits[first -= 2], &PAIRS[number % 100 * 2], 2);
    if (number >= 10)
        memcpy(&digits[first -= 2], &PAIRS[number * 2], 2);
    else
        digits[--first] = (char)('0' + number);
    memcpy(out, &digits[first], DECIMAL_BYTES - first);
    return out + DECIMAL_BYTES - first;
}
