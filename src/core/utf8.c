/* What is UTF-8, and what isn't. */
#include "core/utf8.h"

#include <stdbool.h>

static bool within(unsigned char byte, unsigned char low, unsigned char high)
{
    return byte >= low && byte <= high;
}

/* The NUL behind the text ends a sequence that is cut short. */
size_t utf8_length(const char *text)
{
    const unsigned char *bytes = (const unsigned char *)text;
    unsigned char lead = bytes[0];
    if (lead < 0x80)
        return 1;
    size_t length = within(lead, 0xc2, 0xdf)   ? 2
                    : within(lead, 0xe0, 0xef) ? 3
                    : within(lead, 0xf0, 0xf4) ? 4
                                               : 0;
    if (length == 0)
        return 0;
    unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (!within(bytes[1], low, high))
        return 0;
    for (size_t i = 2; i < length; i++)
        if (!within(bytes[i], 0x80, 0xbf))
            return 0;
    return length;
}
