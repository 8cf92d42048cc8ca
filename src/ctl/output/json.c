#include "ctl/output/json.h"

#include "text/printable.h"

#include <stddef.h>
#include <string.h>

void json_string(FILE *out, const char *text)
{
    char piece[PRINTABLE_BYTES];
    putc('"', out);
    for (size_t left = strlen(text), taken; left > 0; text += taken, left -= taken) {
        size_t written = printable_json(piece, text, left, &taken);
        fwrite(piece, 1, written, out);
    }
    putc('"', out);
}
