#include "text/decimal.h"

#include <stddef.h>
#include <string.h>

/* Two digits at a time halve the divisions. */
static const char PAIRS[] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
    "8081828384858687888990919293949596979899";

static size_t length_of(uint64_t number)
{
    for (size_t length = 1;; length += 4, number /= 10000) {
        if (number < 10)
            return length;
        if (number < 100)
            return length + 1;
        if (number < 1000)
            return length + 2;
        if (number < 10000)
            return length + 3;
    }
}

char *decimal_write(char *out, uint64_t number)
{
    char *end = out + length_of(number), *at = end;
    for (; number >= 100; number /= 100)
        memcpy(at -= 2, &PAIRS[number % 100 * 2], 2);
    if (number >= 10)
        memcpy(at - 2, &PAIRS[number * 2], 2);
    else
        at[-1] = (char)('0' + number);
    return end;
}
