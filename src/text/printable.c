#include "text/printable.h"

#include "text/hex.h"
#include "text/utf8.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

bool printable_is_safe(uint32_t code)
{
    return code >= 0x20 && !(code >= 0x7f && code <= 0x9f) && !(code >= 0x200e && code <= 0x200f) &&
           !(code >= 0x2028 && code <= 0x202e) && !(code >= 0x2060 && code <= 0x206f) &&
           code != 0x061c && code != 0x200b && code != 0xfeff;
}

/* A code point has 21 bits; memchr and strchr would compare only the lowest eight. */
char printable_short_escape(uint32_t code)
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

static char json_escape_letter(uint32_t code)
{
    switch (code) {
    case '"':
        return '"';
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    default:
        return printable_short_escape(code);
    }
}

static size_t put_short_escape(char out[PRINTABLE_BYTES], char character)
{
    out[0] = '\\';
    out[1] = character;
    return 2;
}

static size_t put_hex_escapes(char out[PRINTABLE_BYTES], const uint8_t *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        const char byte[] = {'\\', 'x', digits[bytes[i] >> 4], digits[bytes[i] & 15]};
        memcpy(out + sizeof byte * i, byte, sizeof byte);
    }
    return 4 * size;
}

/* The escapes of JSON are UTF-16, which has two units (a surrogate pair) above U+FFFF. */
static size_t put_utf16_escapes(char out[PRINTABLE_BYTES], uint32_t code)
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
    if (length > 0 && printable_short_escape(code))
        return put_short_escape(out, printable_short_escape(code));
    if (length == 0 || !printable_is_safe(code))
        return put_hex_escapes(out, bytes, *taken);
    memcpy(out, bytes, length);
    return length;
}

size_t printable_json(char out[PRINTABLE_BYTES], const void *bytes, size_t size, size_t *taken)
{
    uint32_t code;
    size_t length = utf8_decode(bytes, size, &code);
    *taken = length > 0 ? length : 1;
    if (length == 0)
        return put_utf16_escapes(out, 0xfffd);
    if (json_escape_letter(code))
        return put_short_escape(out, json_escape_letter(code));
    if (!printable_is_safe(code))
        return put_utf16_escapes(out, code);
    memcpy(out, bytes, length);
    return length;
}

/* A result that is being written, and truncated with "..." when it does not fit. */
struct output {
    char *out;
    size_t room;
    size_t length;
    size_t shortened; /* the longest prefix of whole forms after which "..." fits */
};

/* Appends a character in its escaped form. Returns false if it does not fit; then the output is
 * complete. */
static bool append(struct output *output, const char *form, size_t size)
{
    if (output->length + size >= output->room) {
        memcpy(output->out + output->shortened, "...", 4);
        output->length = output->shortened + 3;
        return false;
    }
    memcpy(output->out + output->length, form, size);
    output->length += size;
    output->out[output->length] = '\0';
    if (output->length + 3 < output->room)
        output->shortened = output->length;
    return true;
}

static struct output output_to(char *out, size_t room)
{
    out[0] = '\0';
    return (struct output){.out = out, .room = room};
}

size_t printable_line(char *out, size_t room, const char *text)
{
    struct output output = output_to(out, room);
    size_t taken;
    for (size_t left = strlen(text); left > 0; text += taken, left -= taken) {
        char form[PRINTABLE_BYTES] = "\\";
        size_t size = 1;
        taken = 1;
        if (*text != '\\')
            size = printable_text(form, text, left, &taken);
        if (!append(&output, form, size))
            break;
    }
    return output.length;
}

/* Pairs: a byte that has a short escape, and the character after its backslash. */
static const char SHORT_ESCAPES[] = "\nn\tt\rr\\\\\"\"";

/* Writes the form of a byte, without a NUL, and returns its length. */
static size_t ascii_form(char out[PRINTABLE_BYTES], uint8_t byte)
{
    for (const char *pair = SHORT_ESCAPES; *pair; pair += 2) {
        if (byte == (uint8_t)pair[0])
            return put_short_escape(out, pair[1]);
    }
    if (byte < ' ' || byte > '~')
        return put_hex_escapes(out, &byte, 1);
    out[0] = (char)byte;
    return 1;
}

size_t printable_ascii(char *out, size_t room, const void *bytes, size_t size)
{
    struct output output = output_to(out, room);
    const uint8_t *in = bytes;
    char form[PRINTABLE_BYTES];
    for (size_t i = 0; i < size && append(&output, form, ascii_form(form, in[i])); i++)
        ;
    return output.length;
}

size_t printable_unescape(const char *text, uint8_t *byte)
{
    if (text[0] == 'x')
        return text[1] && hex_decode(byte, text + 1, 2) ? 3 : 0;
    for (const char *pair = SHORT_ESCAPES; *pair; pair += 2) {
        if (text[0] == pair[1]) {
            *byte = (uint8_t)pair[0];
            return 1;
        }
    }
    return 0;
}
