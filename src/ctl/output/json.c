#include "ctl/output/json.h"

#include "text/printable.h"

#include <stddef.h>
#include <string.h>

void json_bytes(FILE *out, const void *bytes, size_t size)
{
    char piece[PRINTABLE_BYTES];
    const char *at = bytes;
    putc('"', out);
    for (size_t taken; size > 0; at += taken, size -= taken) {
        size_t written = printable_json(piece, at, size, &taken);
        fwrite(piece, 1, written, out);
    }
    putc('"', out);
}

void json_string(FILE *out, const char *text)
{
    json_bytes(out, text, strlen(text));
}
