/* Any text, printed so that it stays what it is. */
#include "load/escape.h"

#include "core/utf8.h"

#include <string.h>

static const char REPLACEMENT[] = "\357\277\275"; /* U+FFFD */

static void put_json(FILE *out, char c)
{
    static const char escaped[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *special = strchr(escaped, c);
    if (special)
        fprintf(out, "\\%c", letters[special - escaped]);
    else if ((unsigned char)c < ' ' || c == '<' || c == '\177')
        fprintf(out, "\\u%04x", (unsigned)c);
    else
        putc(c, out);
}

static void put_line(FILE *out, char c)
{
    if ((unsigned char)c < ' ' || c == '\177')
        fputs(REPLACEMENT, out);
    else
        putc(c, out);
}

static void put_html(FILE *out, char c)
{
    static const struct {
        char c;
        const char *entity;
    } entities[] = {{'<', "&lt;"}, {'>', "&gt;"}, {'&', "&amp;"}, {'"', "&quot;"}, {'\'', "&#39;"}};

    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
        if (c == entities[i].c) {
            fputs(entities[i].entity, out);
            return;
        }
    }
    put_line(out, c);
}

/* put gets the single bytes; longer sequences pass as they are, but for the controls of U+0080 to
 * U+009F, which some terminals obey. */
static void escape(FILE *out, const char *text, void (*put)(FILE *out, char c),
                   const char *replacement)
{
    if (!text)
        return;
    for (size_t length; *text != '\0'; text += length) {
        length = utf8_length(text);
        if (length == 1) {
            put(out, *text);
        } else if (length == 0) {
            fputs(replacement, out);
            length = 1;
        } else if (length == 2 && text[0] == '\302' && (unsigned char)text[1] < 0xa0) {
            fputs(replacement, out);
        } else {
            fwrite(text, 1, length, out);
        }
    }
}

void escape_json(FILE *out, const char *text)
{
    putc('"', out);
    escape(out, text, put_json, "\\ufffd");
    putc('"', out);
}

void escape_html(FILE *out, const char *text)
{
    escape(out, text, put_html, REPLACEMENT);
}

void escape_line(FILE *out, const char *text)
{
    escape(out, text, put_line, REPLACEMENT);
}
