#include "load/report/escape.h"

#include "text/printable.h"

#include <stdbool.h>
#include <string.h>

void escape_json(FILE *out, const char *text)
{
    char piece[PRINTABLE_BYTES];
    putc('"', out);
    for (size_t left = text ? strlen(text) : 0, taken; left > 0; text += taken, left -= taken) {
        size_t size = printable_json(piece, text, left, &taken);
        if (*text == '<')
            fputs("\\u003c", out);
        else
            fwrite(piece, 1, size, out);
    }
    putc('"', out);
}

/* Returns the HTML entity of a character, or NULL. */
static const char *entity_of(char c)
{
    switch (c) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static void escape(FILE *out, const char *text, bool html)
{
    char piece[PRINTABLE_BYTES];
    for (size_t left = text ? strlen(text) : 0, taken; left > 0; text += taken, left -= taken) {
        size_t size = printable_text(piece, text, left, &taken);
        const char *entity = html ? entity_of(*text) : NULL;
        if (entity)
            fputs(entity, out);
        else if (*text == '\\')
            putc('\\', out);
        else
            fwrite(piece, 1, size, out);
    }
}

void escape_html(FILE *out, const char *text)
{
    escape(out, text, true);
}

void escape_line(FILE *out, const char *text)
{
    escape(out, text, false);
}
