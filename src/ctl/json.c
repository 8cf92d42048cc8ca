/* Any bytes as a valid JSON string. */
#include "ctl/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static bool within(unsigned char byte, unsigned char low, unsigned char high)
{
    return byte >= low && byte <= high;
}

/* The length of the UTF-8 sequence in front of text, by the table of RFC 3629, section 4; 0 if
 * there is none. The NUL behind the text ends a sequence that is cut short. */
static size_t utf8_length(const unsigned char *text)
{
    unsigned char lead = text[0];
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
    if (!within(text[1], low, high))
        return 0;
    for (size_t i = 2; i < length; i++)
        if (!within(text[i], 0x80, 0xbf))
            return 0;
    return length;
}

void json_string(FILE *out, const char *text)
{
    static const char escaped[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    putc('"', out);
    for (size_t length; *text != '\0'; text += length) {
        length = utf8_length((const unsigned char *)text);
        const char *special = length == 1 ? strchr(escaped, *text) : NULL;
        if (special) {
            fprintf(out, "\\%c", letters[special - escaped]);
        } else if (length == 1 && (unsigned char)*text < 0x20) {
            fprintf(out, "\\u%04x", (unsigned)*text);
        } else if (length > 0) {
            fwrite(text, 1, length, out);
        } else {
            fputs("\\ufffd", out);
            length = 1;
        }
    }
    putc('"', out);
}
