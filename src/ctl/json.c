/* Any bytes as a valid JSON string. */
#include "ctl/json.h"

#include "core/utf8.h"

#include <stddef.h>
#include <string.h>

void json_string(FILE *out, const char *text)
{
    static const char escaped[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    putc('"', out);
    for (size_t length; *text != '\0'; text += length) {
        length = utf8_length(text);
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
