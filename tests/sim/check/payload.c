#include "sim/check/payload.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NUMBERS_MAX = 3, DIGITS_MAX = 10 };

/* Reads "<letter><number>.<number>. ..." and returns its size; 0: it is something else. */
static size_t read_numbers(const void *bytes, size_t size, char letter, size_t count,
                           uint32_t numbers[NUMBERS_MAX])
{
    const char *at = bytes, *end = at + size;
    if (size == 0 || *at++ != letter)
        return 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t value = 0;
        const char *first = at;
        for (; at < end && *at >= '0' && *at <= '9' && at - first < DIGITS_MAX; at++)
            value = value * 10 + (uint64_t)(*at - '0');
        if (at == first || at == end || *at++ != '.')
            return 0;
        numbers[i] = (uint32_t)value;
    }
    return (size_t)(at - (const char *)bytes);
}

bool payload_read_reply(const void *bytes, size_t size, unsigned *generation, unsigned *index)
{
    uint32_t numbers[NUMBERS_MAX];
    if (size == 0 || read_numbers(bytes, size, 'R', 2, numbers) != size)
        return false;
    *generation = numbers[0];
    *index = numbers[1];
    return true;
}

static uint32_t check_of(uint32_t client, uint32_t number)
{
    return (client * 2654435761u ^ number * 40503u) % 1000000;
}

bool payload_read_message(const void *bytes, size_t size, uint32_t *client, uint32_t *number)
{
    uint32_t numbers[NUMBERS_MAX];
    if (read_numbers(bytes, size, 'C', 3, numbers) == 0 ||
        numbers[2] != check_of(numbers[0], numbers[1]))
        return false;
    *client = numbers[0];
    *number = numbers[1];
    return true;
}

bool payload_read_broadcast(const void *bytes, size_t size, uint32_t *number)
{
    uint32_t numbers[NUMBERS_MAX];
    if (read_numbers(bytes, size, 'T', 1, numbers) == 0)
        return false;
    *number = numbers[0];
    return true;
}

bool payload_read_direct(const void *bytes, size_t size, uint32_t *number)
{
    uint32_t numbers[NUMBERS_MAX];
    if (size == 0 || read_numbers(bytes, size, 'D', 2, numbers) != size ||
        numbers[1] != check_of('D', numbers[0]))
        return false;
    *number = numbers[0];
    return true;
}

size_t payload_write_direct(char *bytes, size_t capacity, uint32_t number)
{
    return (size_t)snprintf(bytes, capacity, "D%" PRIu32 ".%" PRIu32 ".", number,
                            check_of('D', number));
}

size_t payload_write_message(char *bytes, size_t capacity, uint32_t client, uint32_t number,
                             size_t size)
{
    int length = snprintf(bytes, capacity, "C%" PRIu32 ".%" PRIu32 ".%" PRIu32 ".", client, number,
                          check_of(client, number));
    if ((size_t)length >= size)
        return (size_t)length;
    memset(bytes + length, '=', size - (size_t)length);
    return size;
}

void payload_end_in_newline(char *bytes, size_t size)
{
    if (size > 0 && bytes[size - 1] == '=')
        bytes[size - 1] = '\n';
}
