#include "ctl/output/readable_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *readable_format_integer(uint64_t number, char text[READABLE_FORMAT_BYTES])
{
    char digits[24];
    size_t count = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, number), length = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0)
            text[length++] = ',';
        text[length++] = digits[i];
    }
    text[length] = '\0';
    return text;
}

const char *readable_format_rate(double per_s, char text[READABLE_FORMAT_BYTES])
{
    if (per_s >= 99.95)
        return readable_format_integer(per_s < 1e18 ? (uint64_t)(per_s + 0.5) : UINT64_MAX, text);
    snprintf(text, READABLE_FORMAT_BYTES, "%.1f", per_s);
    return text;
}

const char *readable_format_duration(uint64_t s, char text[READABLE_FORMAT_BYTES])
{
    if (s < 60)
        snprintf(text, READABLE_FORMAT_BYTES, "%" PRIu64 "s", s);
    else if (s < 3600)
        snprintf(text, READABLE_FORMAT_BYTES, "%" PRIu64 "m %02" PRIu64 "s", s / 60, s % 60);
    else if (s < 86400)
        snprintf(text, READABLE_FORMAT_BYTES, "%" PRIu64 "h %02" PRIu64 "m", s / 3600, s / 60 % 60);
    else
        snprintf(text, READABLE_FORMAT_BYTES, "%" PRIu64 "d %02" PRIu64 "h", s / 86400,
                 s / 3600 % 24);
    return text;
}
