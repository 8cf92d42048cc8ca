#include "redis/stream_id.h"

#include <string.h>

/* Reads digits up to end, at least one. */
static bool read_number(const char *at, const char *end, uint64_t *number)
{
    uint64_t value = 0;
    if (at == end)
        return false;
    for (; at < end; at++) {
        uint64_t digit = (uint64_t)*at - '0';
        if (*at < '0' || *at > '9' || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *number = value;
    return true;
}

bool stream_id_parse(struct entry_id *id, const char *bytes, size_t size)
{
    const char *end = bytes + size, *dash = size > 0 ? memchr(bytes, '-', size) : NULL;
    struct entry_id read = {0, 0};
    if (!read_number(bytes, dash != NULL ? dash : end, &read.ms) ||
        (dash != NULL && !read_number(dash + 1, end, &read.sequence)))
        return false;
    *id = read;
    return true;
}
