/* Text from outside in a form that can be printed. */
#include "text/printable.h"

#include "text/character_width.h"
#include "text/utf8.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* A code point has 21 bits: memchr and strchr would take its lowest eight for a character. */
char printable_letter(uint32_t code)
{
    switch (code) {
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '\\':
        return '\\';
    default:
        return '\0';
    }
}

static char json_letter_of(uint32_t code)
{
    switch (code) {
    case '"':
        return '"';
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    default:
        return printable_letter(code);
    }
}

static size_t put_letter(char out[PRINTABLE_BYTES], char letter)
{
    out[0] = '\\';
    out[1] = letter;
    return 2;
}

static size_t put_bytes(char out[PRINTABLE_BYTES], const uint8_t *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        const char byte[] = {'\\', 'x', digits[bytes[i] >> 4], digits[bytes[i] & 15]};
        memcpy(out + sizeof byte * i, byte, sizeof byte);
    }
    return 4 * size;
}

/* UTF-16, which JSON's escapes are written in, has two units for what lies beyond U+FFFF. */
static size_t put_units(char out[PRINTABLE_BYTES], uint32_t code)
{
    char text[PRINTABLE_BYTES + 1];
    int size = code < 0x10000 ? snprintf(text, sizeof text, "\\u%04" PRIx32, code)
                              : snprintf(text, sizeof text, "\\u%04" PRIx32 "\\u%04" PRIx32,
                                         0xd7c0 + (code >> 10), 0xdc00 + (code & 0x3ff));
    memcpy(out, text, (size_t)size);
    return (size_t)size;
}

size_t printable_text(char out[PRINTABLE_BYTES], const void *bytes, size_t size, size_t *taken)
{
    uint32_t code;
    size_t length = utf8_decode(bytes, size, &code);
    *taken = length > 0 ? length : 1;
    if (length > 0 && printable_letter(code))
        return put_letter(out, printable_letter(code));
    if (length == 0 || !character_width_shows(code))
        return put_bytes(out, bytes, *taken);
    memcpy(out, bytes, length);
    return length;
}

size_t printable_json(char out[PRINTABLE_BYTES], const void *bytes, size_t size, size_t *taken)
{
    uint32_t code;
    size_t length = utf8_decode(bytes, size, &code);
    *taken = length > 0 ? length : 1;
    if (length == 0)
        return put_units(out, 0xfffd);
    if (json_letter_of(code))
        return put_letter(out, json_letter_of(code));
    if (!character_width_shows(code))
        return put_units(out, code);
    memcpy(out, bytes, length);
    return length;
}

size_t printable_line(char *out, size_t room, const char *text)
{
    size_t length = 0, cut = 0, taken; /* cut: the longest prefix that leaves room for the dots */
    for (size_t left = strlen(text); left > 0; text += taken, left -= taken) {
        char form[PRINTABLE_BYTES] = "\\";
        size_t size = 1;
        taken = 1;
        if (*text != '\\')
            size = printable_text(form, text, left, &taken);
        if (length + size >= room) {
            memcpy(out + cut, "...", 4);
            return cut + 3;
        }
        memcpy(out + length, form, size);
        length += size;
        if (length + 3 < room)
            cut = length;
    }
    out[length] = '\0';
    return length;
}
