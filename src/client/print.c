/* Prints what strangers sent, so that it can't steer the terminal or break the reader's format. */
#include "client/print.h"

#include "core/utf8.h"
#include "core/width.h"

#include <inttypes.h>
#include <string.h>

/* A broadcast is to be seen: bold. What is beside the text itself is dim. */
#define BOLD  "\x1b[1m"
#define DIM   "\x1b[2m"
#define PLAIN "\x1b[m"

static const struct {
    const char *name, *colour, *note;
    char mark;
} KINDS[] = {
    [EXCHANGE_BROADCAST] = {"broadcast", BOLD, NULL, '*'},
    [EXCHANGE_REPLY] = {"reply", "", NULL, '<'},
    [EXCHANGE_KEEPALIVE] = {"keepalive", DIM, "to a keepalive", '<'},
    [EXCHANGE_LATE] = {"late", BOLD, "late, or a broadcast", '?'},
};

static bool is_utf8(const uint8_t *bytes, size_t size)
{
    uint32_t code;
    for (size_t length; size; bytes += length, size -= length)
        if ((length = utf8_decode(bytes, size, &code)) == 0)
            return false;
    return true;
}

/* The letter that stands behind a backslash for a byte, or 0. */
static char short_escape(uint32_t code)
{
    static const char codes[] = "\n\r\t\\", letters[] = "nrt\\";
    const char *found = code ? memchr(codes, (int)code, sizeof codes - 1) : NULL;
    return found ? letters[found - codes] : '\0';
}

static void put_hex(FILE *out, const char *prefix, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        fprintf(out, "%s%02x", prefix, bytes[i]);
}

static void put_escaped(FILE *out, const uint8_t *bytes, size_t size)
{
    for (size_t length; size; bytes += length, size -= length) {
        uint32_t code = 0;
        length = utf8_decode(bytes, size, &code);
        bool valid = length != 0;
        length += !valid;
        if (valid && short_escape(code))
            fprintf(out, "\\%c", short_escape(code));
        else if (valid && width_shows(code))
            fwrite(bytes, 1, length, out);
        else
            put_hex(out, "\\x", bytes, length);
    }
}

/* The bytes are UTF-8. What doesn't only show is escaped, too: the output may be a terminal. */
static void put_json_text(FILE *out, const uint8_t *bytes, size_t size)
{
    uint32_t code;
    for (size_t length; size; bytes += length, size -= length) {
        length = utf8_decode(bytes, size, &code);
        if (code == '"')
            fputs("\\\"", out);
        else if (short_escape(code))
            fprintf(out, "\\%c", short_escape(code));
        else if (width_shows(code))
            fwrite(bytes, 1, length, out);
        else
            fprintf(out, "\\u%04" PRIx32, code);
    }
}

static void put_json(FILE *out, bool hex, const struct arrival *arrival)
{
    hex = hex || !is_utf8(arrival->bytes, arrival->size);
    fprintf(out, "{\"time_ms\":%" PRIu64 ",\"from\":\"%s\",\"kind\":\"%s\",\"size\":%zu",
            arrival->time_ms, arrival->from, KINDS[arrival->kind].name, arrival->size);
    if (arrival->rtt_ns)
        fprintf(out, ",\"rtt_ms\":%.3f", (double)arrival->rtt_ns / 1e6);
    fprintf(out, ",\"%s\":\"", hex ? "hex" : "text");
    if (hex)
        put_hex(out, "", arrival->bytes, arrival->size);
    else
        put_json_text(out, arrival->bytes, arrival->size);
    fputs("\"}", out);
}

static size_t without_newline(const uint8_t *bytes, size_t size)
{
    if (size && bytes[size - 1] == '\n' && --size && bytes[size - 1] == '\r')
        size--;
    return size;
}

static void put_line(FILE *out, const uint8_t *bytes, size_t size)
{
    for (const uint8_t *newline; (newline = memchr(bytes, '\n', size));) {
        size_t before = (size_t)(newline - bytes);
        fwrite(bytes, 1, before, out);
        putc(' ', out);
        bytes = newline + 1;
        size -= before + 1;
    }
    fwrite(bytes, 1, size, out);
}

enum print_style print_style(bool json, bool hex, bool terminal, bool one_shot)
{
    if (json)
        return hex ? PRINT_JSON_HEX : PRINT_JSON;
    if (hex)
        return PRINT_HEX;
    if (terminal)
        return PRINT_ESCAPED;
    return one_shot ? PRINT_RAW : PRINT_LINE;
}

static void put_sender(FILE *out, const struct arrival *arrival)
{
    if (arrival->named)
        fprintf(out, "%s: ", arrival->from);
}

void print_arrival(FILE *out, enum print_style style, const struct arrival *arrival)
{
    size_t size = without_newline(arrival->bytes, arrival->size);

    if (style != PRINT_JSON && style != PRINT_JSON_HEX)
        put_sender(out, arrival);
    switch (style) {
    case PRINT_RAW:
        fwrite(arrival->bytes, 1, size, out);
        break;
    case PRINT_LINE:
        put_line(out, arrival->bytes, size);
        break;
    case PRINT_ESCAPED:
        put_escaped(out, arrival->bytes, size);
        break;
    case PRINT_HEX:
        put_hex(out, "", arrival->bytes, arrival->size);
        break;
    case PRINT_JSON:
    case PRINT_JSON_HEX:
        put_json(out, style == PRINT_JSON_HEX, arrival);
        break;
    }
    putc('\n', out);
}

const char *print_time(uint64_t ns, char text[24])
{
    double ms = (double)ns / 1e6, shown = ms < 999.5 ? ms : ms / 1e3;
    int digits = shown < 0.9995 ? 3 : shown < 9.995 ? 2 : shown < 99.95 ? 1 : 0;
    snprintf(text, 24, "%.*f %s", digits, shown, ms < 999.5 ? "ms" : "s");
    return text;
}

void print_marked(FILE *out, bool hex, bool colour, const struct arrival *arrival)
{
    const char *note = KINDS[arrival->kind].note;
    fprintf(out, "%s%c ", colour ? KINDS[arrival->kind].colour : "", KINDS[arrival->kind].mark);
    put_sender(out, arrival);
    if (hex)
        put_hex(out, "", arrival->bytes, arrival->size);
    else
        put_escaped(out, arrival->bytes, without_newline(arrival->bytes, arrival->size));
    if (arrival->rtt_ns || note) {
        char time[24];
        bool timed = arrival->rtt_ns != 0;
        fprintf(out, "%s  (%s%s%s)", colour ? PLAIN DIM : "", note ? note : "",
                note && timed ? ", " : "", timed ? print_time(arrival->rtt_ns, time) : "");
    }
    fputs(colour ? PLAIN "\n" : "\n", out);
}
