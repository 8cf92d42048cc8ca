#include "ctl/events/message_output.h"

#include "ctl/output/json.h"
#include "os/process/clock.h"
#include "text/hex.h"
#include "text/number_with_unit.h"
#include "text/printable.h"
#include "text/utf8.h"

#include <inttypes.h>
#include <string.h>

/* The fields of a line, which point into it. */
struct message_line {
    uint64_t time_ms;
    const char *address;
    const char *hex;      /* digits, or "-" for an empty message */
    const char *listener; /* the rest of the line */
    const struct device_name *name;
};

void message_output_from(struct message_sender *sender, const char *value)
{
    if (device_name_parse(&sender->name, value) != NULL)
        sender->name.size = 0;
}

static const char *split(struct message_line *line, char *value)
{
    char *rest = value;
    const char *time = strsep(&rest, " ");
    line->address = strsep(&rest, " ");
    line->hex = strsep(&rest, " ");
    line->listener = rest;
    if (rest == NULL || number_parse(time, 0, UINT64_MAX, &line->time_ms) != NULL)
        return "it is not TIME ADDRESS HEX LISTENER";
    return NULL;
}

static bool is_utf8(const uint8_t *bytes, size_t size)
{
    uint32_t code;
    for (size_t length; size > 0; bytes += length, size -= length)
        if ((length = utf8_decode(bytes, size, &code)) == 0)
            return false;
    return true;
}

static void print_json(FILE *out, const struct message_line *line, const uint8_t *bytes,
                       size_t size)
{
    char time[CLOCK_WALL_TEXT_BYTES];
    fprintf(out, "{\"time\":\"%s\",\"address\":", clock_text(line->time_ms, time));
    json_string(out, line->address);
    if (line->name->size > 0) {
        fputs(",\"name\":", out);
        json_bytes(out, line->name->bytes, line->name->size);
    }
    fputs(",\"listener\":", out);
    json_string(out, line->listener);
    fprintf(out, ",\"size\":%zu,", size);
    if (is_utf8(bytes, size)) {
        fputs("\"text\":", out);
        json_bytes(out, bytes, size);
    } else {
        fputs("\"hex\":\"", out);
        for (size_t i = 0; i < size; i++)
            fprintf(out, "%02x", bytes[i]);
        putc('"', out);
    }
    fputs("}\n", out);
}

static void print_escaped(FILE *out, const uint8_t *bytes, size_t size)
{
    char piece[PRINTABLE_BYTES];
    for (size_t taken; size > 0; bytes += taken, size -= taken) {
        size_t written = printable_text(piece, bytes, size, &taken);
        fwrite(piece, 1, written, out);
    }
}

static void print_line(FILE *out, const struct message_line *line, const uint8_t *bytes,
                       size_t size)
{
    char time[CLOCK_WALL_TEXT_BYTES], address[256];
    printable_line(address, sizeof address, line->address);
    fprintf(out, "%s %s ", clock_text(line->time_ms, time), address);
    if (line->name->size > 0) {
        putc('@', out);
        print_escaped(out, line->name->bytes, line->name->size);
        putc(' ', out);
    }
    print_escaped(out, bytes, size);
    putc('\n', out);
}

const char *message_output_print(FILE *out, bool json, struct message_sender *sender, char *value)
{
    const struct device_name name = sender->name;
    struct message_line line = {.name = &name};
    sender->name.size = 0;
    const char *wrong = split(&line, value);
    if (wrong != NULL)
        return wrong;
    size_t digits = strcmp(line.hex, "-") == 0 ? 0 : strlen(line.hex);
    /* The bytes replace the digits. */
    uint8_t *bytes = (uint8_t *)value + (line.hex - value);
    if (!hex_decode(bytes, line.hex, digits))
        return "its payload is not hexadecimal digits";
    (json ? print_json : print_line)(out, &line, bytes, digits / 2);
    return NULL;
}
