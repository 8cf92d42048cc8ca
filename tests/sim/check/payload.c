#include "sim/check/payload.h"

#include <string.h>

enum { NUMBERS_MAX = 3, DIGITS_MAX = 10 };
_Static_assert(PAYLOAD_NUMBERS_BYTES >= 1 + NUMBERS_MAX * (DIGITS_MAX + 1), "the longest text");

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

static char *write_number(char *at, uint32_t number)
{
    char digits[DIGITS_MAX];
    size_t count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    while (count > 0)
        *at++ = digits[--count];
    *at++ = '.';
    return at;
}

size_t payload_write_direct(char *bytes, uint32_t number)
{
    char *at = bytes;
    *at++ = 'D';
    at = write_number(at, number);
    at = write_number(at, check_of('D', number));
    return (size_t)(at - bytes);
}

size_t payload_write_message(char *bytes, uint32_t client, uint32_t number, size_t size)
{
    char *at = bytes;
    *at++ = 'C';
    at = write_number(at, client);
    at = write_number(at, number);
    at = write_number(at, check_of(client, number));
    size_t length = (size_t)(at - bytes);
    if (length >= size)
        return length;
    memset(at, '=', size - length);
    return size;
}

void payload_end_in_newline(char *bytes, size_t size)
{
    if (size > 0 && bytes[size - 1] == '=')
        bytes[size - 1] = '\n';
}
