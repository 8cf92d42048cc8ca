#include "redis/resp_parser.h"

#include <string.h>

void resp_parser_init(struct resp_parser *parser)
{
    parser->wrong = NULL;
    parser->is_in_bulk = parser->is_skipping = false;
    parser->depth = 0;
    parser->begin = parser->scanned = parser->end = 0;
}

char *resp_parser_space(struct resp_parser *parser, size_t *capacity)
{
    size_t size = parser->end - parser->begin;
    memmove(parser->buffer, parser->buffer + parser->begin, size);
    parser->scanned -= parser->begin;
    parser->begin = 0;
    parser->end = size;
    *capacity = RESP_BUFFER_BYTES - size;
    return parser->buffer + size;
}

void resp_parser_add(struct resp_parser *parser, size_t size)
{
    parser->end += size;
}

static struct resp_element invalid(struct resp_parser *parser, const char *wrong)
{
    parser->wrong = wrong;
    return (struct resp_element){.kind = RESP_INVALID};
}

/* Gives an element its place in the array that is open, and closes the arrays that it ends. */
static void place(struct resp_parser *parser, struct resp_element *element)
{
    element->depth = parser->depth;
    if (parser->depth > 0) {
        unsigned at = parser->depth - 1;
        element->index = parser->indexes[at]++;
        element->is_last = parser->indexes[at] == parser->counts[at];
    }
    if (element->kind == RESP_ARRAY && element->integer > 0) {
        parser->counts[parser->depth] = (uint64_t)element->integer;
        parser->indexes[parser->depth++] = 0;
    }
    while (parser->depth > 0 &&
           parser->indexes[parser->depth - 1] == parser->counts[parser->depth - 1])
        parser->depth--;
    element->ends_reply = parser->depth == 0;
}

/* ---- lines ---- */

/* Takes a line without its CRLF. Returns false if it is not complete, or if it is wrong. */
static bool take_line(struct resp_parser *parser, const char **line, size_t *size)
{
    char *from = parser->buffer + parser->scanned;
    char *newline = memchr(from, '\n', parser->end - parser->scanned);
    size_t stop = newline != NULL ? (size_t)(newline - parser->buffer) : parser->end;
    parser->scanned = stop;
    if (stop - parser->begin > RESP_LINE_BYTES_MAX) {
        parser->wrong = "a line is too long";
        return false;
    }
    if (newline == NULL)
        return false;
    if (newline == parser->buffer + parser->begin || newline[-1] != '\r') {
        parser->wrong = "a line does not end in CRLF";
        return false;
    }
    *line = parser->buffer + parser->begin;
    *size = stop - 1 - parser->begin;
    parser->begin = parser->scanned = stop + 1;
    return true;
}

/* Reads all of size bytes as a decimal number. */
static bool read_integer(const char *bytes, size_t size, int64_t *integer)
{
    bool is_negative = size > 0 && bytes[0] == '-';
    size_t i = is_negative || (size > 0 && bytes[0] == '+') ? 1 : 0;
    uint64_t value = 0, most = (uint64_t)INT64_MAX + is_negative;
    if (i == size)
        return false;
    for (; i < size; i++) {
        if (bytes[i] < '0' || bytes[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(bytes[i] - '0');
        if (value > (most - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *integer = is_negative ? (int64_t)(UINT64_C(0) - value) : (int64_t)value;
    return true;
}

/* ---- bulk strings ---- */

static bool begin_bulk(struct resp_parser *parser, int64_t size)
{
    if (size > RESP_BULK_SIZE_MAX) {
        parser->wrong = "a string is too long";
        return false;
    }
    parser->is_in_bulk = true;
    parser->bulk_size = (uint64_t)size;
    parser->is_skipping = size > RESP_BULK_BYTES_MAX;
    parser->skipped = parser->is_skipping ? parser->bulk_size : 0;
    return true;
}

static struct resp_element take_bulk(struct resp_parser *parser)
{
    uint64_t available = parser->end - parser->begin;
    uint64_t dropped = parser->skipped < available ? parser->skipped : available;
    parser->skipped -= dropped;
    parser->begin += (size_t)dropped;
    parser->scanned = parser->begin;
    size_t size = parser->is_skipping ? 0 : (size_t)parser->bulk_size;
    if (parser->skipped > 0 || parser->end - parser->begin < size + 2)
        return (struct resp_element){.kind = RESP_NONE};
    struct resp_element element = {.kind = RESP_BULK, .size = parser->bulk_size};
    const char *bytes = parser->buffer + parser->begin;
    if (memcmp(bytes + size, "\r\n", 2) != 0)
        return invalid(parser, "a string does not end in CRLF");
    if (!parser->is_skipping)
        element.bytes = bytes;
    parser->begin += size + 2;
    parser->scanned = parser->begin;
    parser->is_in_bulk = false;
    place(parser, &element);
    return element;
}

/* ---- elements ---- */

static struct resp_element begin_array(struct resp_parser *parser, int64_t count)
{
    if (count > RESP_ARRAY_MAX)
        return invalid(parser, "an array has too many elements");
    if (count > 0 && parser->depth == RESP_DEPTH_MAX)
        return invalid(parser, "arrays are nested too deep");
    return (struct resp_element){.kind = RESP_ARRAY, .integer = count};
}

static struct resp_element read_line(struct resp_parser *parser, const char *line, size_t size)
{
    static const char types[] = "+-:$*";
    const char *type = size > 0 ? memchr(types, line[0], sizeof types - 1) : NULL;
    struct resp_element element = {.bytes = line + 1, .size = size - 1};
    if (type == NULL)
        return invalid(parser, "a line begins with none of + - : $ *");
    if (*type == '+' || *type == '-') {
        element.kind = *type == '+' ? RESP_SIMPLE : RESP_ERROR;
        return element;
    }
    if (!read_integer(line + 1, size - 1, &element.integer))
        return invalid(parser, "a number is invalid");
    element.bytes = NULL;
    element.size = 0;
    if (*type == ':') {
        element.kind = RESP_INTEGER;
    } else if (element.integer < 0) {
        if (element.integer != -1)
            return invalid(parser, "a length is negative");
        element.kind = RESP_NULL;
    } else if (*type == '*') {
        return begin_array(parser, element.integer);
    } else if (!begin_bulk(parser, element.integer)) {
        return (struct resp_element){.kind = RESP_INVALID};
    }
    return element;
}

struct resp_element resp_parser_next(struct resp_parser *parser)
{
    const char *line;
    size_t size;
    if (parser->wrong != NULL)
        return (struct resp_element){.kind = RESP_INVALID};
    if (!parser->is_in_bulk) {
        if (!take_line(parser, &line, &size))
            return (struct resp_element){.kind = parser->wrong != NULL ? RESP_INVALID : RESP_NONE};
        struct resp_element element = read_line(parser, line, size);
        if (!parser->is_in_bulk) {
            if (element.kind != RESP_INVALID)
                place(parser, &element);
            return element;
        }
    }
    return take_bulk(parser);
}

bool resp_element_is(const struct resp_element *element, const char *text)
{
    size_t size = strlen(text);
    return element->bytes != NULL && element->size == size &&
           memcmp(element->bytes, text, size) == 0;
}
