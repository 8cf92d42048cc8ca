#include "client/print_message.h"

#include "text/printable.h"
#include "text/utf8.h"

#include <inttypes.h>
#include <string.h>

/* Broadcasts are bold, so that they are noticed. Everything but the text itself is dim. */
#define BOLD  "\x1b[1m"
#define DIM   "\x1b[2m"
#define PLAIN "\x1b[m"

static const struct {
    const char *name, *colour, *note;
    char mark;
} KINDS[] = {
    [RECEIVED_BROADCAST] = {"broadcast", BOLD, NULL, '*'},
    [RECEIVED_REPLY] = {"reply", "", NULL, '<'},
    [RECEIVED_KEEPALIVE] = {"keepalive", DIM, "to a keepalive", '<'},
    [RECEIVED_LATE] = {"late", BOLD, "late, or a broadcast", '?'},
};

static bool is_utf8(const uint8_t *bytes, size_t size)
{
    uint32_t code;
    for (size_t length; size; bytes += length, size -= length)
        if ((length = utf8_decode(bytes, size, &code)) == 0)
            return false;
    return true;
}

static void put_hex(FILE *out, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        fprintf(out, "%02x", bytes[i]);
}

typedef size_t printable(char out[PRINTABLE_BYTES], const void *bytes, size_t size, size_t *taken);

/* Writes bytes in the form of an encoder, for a terminal or a JSON string. */
static void put(FILE *out, printable *encode, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    char piece[PRINTABLE_BYTES];
    for (size_t taken; size > 0; at += taken, size -= taken) {
        size_t written = encode(piece, at, size, &taken);
        fwrite(piece, 1, written, out);
    }
}

static void put_json(FILE *out, bool hex, const struct received_message *message)
{
    hex = hex || !is_utf8(message->bytes, message->size);
    fprintf(out, "{\"time_ms\":%" PRIu64 ",\"from\":\"", message->time_ms);
    put(out, printable_json, message->from, strlen(message->from));
    fprintf(out, "\",\"kind\":\"%s\",\"size\":%zu", KINDS[message->kind].name, message->size);
    if (message->rtt_ns)
        fprintf(out, ",\"rtt_ms\":%.3f", (double)message->rtt_ns / 1e6);
    fprintf(out, ",\"%s\":\"", hex ? "hex" : "text");
    if (hex)
        put_hex(out, message->bytes, message->size);
    else
        put(out, printable_json, message->bytes, message->size);
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

enum print_style print_style(bool json, bool hex, bool terminal, bool single_request)
{
    if (json)
        return hex ? PRINT_JSON_HEX : PRINT_JSON;
    if (hex)
        return PRINT_HEX;
    if (terminal)
        return PRINT_ESCAPED;
    return single_request ? PRINT_RAW : PRINT_LINE;
}

static void put_sender(FILE *out, const struct received_message *message)
{
    if (!message->show_sender)
        return;
    put(out, printable_text, message->from, strlen(message->from));
    fputs(": ", out);
}

void print_message(FILE *out, enum print_style style, const struct received_message *message)
{
    size_t size = without_newline(message->bytes, message->size);

    if (style != PRINT_JSON && style != PRINT_JSON_HEX)
        put_sender(out, message);
    switch (style) {
    case PRINT_RAW:
        fwrite(message->bytes, 1, size, out);
        break;
    case PRINT_LINE:
        put_line(out, message->bytes, size);
        break;
    case PRINT_ESCAPED:
        put(out, printable_text, message->bytes, size);
        break;
    case PRINT_HEX:
        put_hex(out, message->bytes, message->size);
        break;
    case PRINT_JSON:
    case PRINT_JSON_HEX:
        put_json(out, style == PRINT_JSON_HEX, message);
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

void print_message_marked(FILE *out, bool hex, bool colour, const struct received_message *message)
{
    const char *note = KINDS[message->kind].note;
    fprintf(out, "%s%c ", colour ? KINDS[message->kind].colour : "", KINDS[message->kind].mark);
    put_sender(out, message);
    if (hex)
        put_hex(out, message->bytes, message->size);
    else
        put(out, printable_text, message->bytes, without_newline(message->bytes, message->size));
    if (message->rtt_ns || note) {
        char time[24];
        bool timed = message->rtt_ns != 0;
        fprintf(out, "%s  (%s%s%s)", colour ? PLAIN DIM : "", note ? note : "",
                note && timed ? ", " : "", timed ? print_time(message->rtt_ns, time) : "");
    }
    fputs(colour ? PLAIN "\n" : "\n", out);
}
