#ifndef BASE_ENCODING_LITTLE_ENDIAN_H
#define BASE_ENCODING_LITTLE_ENDIAN_H

#include <stddef.h>
#include <stdint.h>

/* Numbers of 1 to 8 bytes, least significant byte first, whatever the host's byte order is: in the
 * state file and in what a server hands over to the next one. The bytes need no alignment. */

/* Writes the size low bytes of value; the others are lost. */
static inline void little_endian_put(uint8_t *bytes, size_t size, uint64_t value)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

/* Returns the number of size bytes. */
static inline uint64_t little_endian_get(const uint8_t *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

#endif
