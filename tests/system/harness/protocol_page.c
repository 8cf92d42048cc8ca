/* The parts of docs/protocol.md that tests read: see protocol_page.h. */
#define HARNESS_INTERNAL
#include "protocol_page.h"

#include "harness.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char *page(void)
{
    return run_ok(NULL, "cat", "docs/protocol.md", NULL);
}

/* Returns the text between begin and the next end, both of which must exist. */
static const char *between(const char *text, const char *begin, const char *end)
{
    const char *from = strstr(text, begin), *to;

    expect(from != NULL, "expected docs/protocol.md to have '%s'", begin);
    from += strlen(begin);
    to = strstr(from, end);
    expect(to != NULL, "expected docs/protocol.md to have '%s' after '%s'", end, begin);
    return harness_format("%.*s", (int)(to - from), from);
}

const char *page_block(const char *language)
{
    return between(page(), harness_format("\n```%s\n", language), "```\n");
}

/* Returns the first size bytes of text, without blanks around them. */
static const char *trimmed(const char *text, size_t size)
{
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        size--;
    for (; size > 0 && isspace((unsigned char)*text); size--)
        text++;
    return harness_format("%.*s", (int)size, text);
}

bool page_next(const char **text, struct page_line *line)
{
    *text += strspn(*text, "\n");
    if (**text == '\0')
        return false;
    const char *begin = *text;
    size_t size = strcspn(begin, "\n"), colon = strcspn(begin, ":\n"), end = strcspn(begin, "#\n");
    expect(colon < end, "expected KEY: VALUE in '%.*s'", (int)size, begin);
    line->key = trimmed(begin, colon);
    line->value = trimmed(begin + colon + 1, end - colon - 1);
    *text += size;
    return true;
}

struct page_bytes page_hex(const char *value)
{
    struct page_bytes bytes = {.size = 0};
    const char *at = value;

    for (at += strspn(at, " "); *at != '\0'; at += strspn(at, " ")) {
        char *end;
        unsigned long byte = strtoul(at, &end, 16);
        expect(end == at + 2 && bytes.size < PAGE_BYTES_MAX, "expected at most %d bytes in '%s'",
               PAGE_BYTES_MAX, value);
        bytes.data[bytes.size++] = (uint8_t)byte;
        at = end;
    }
    return bytes;
}

size_t page_vectors(struct page_vector vectors[PAGE_VECTORS_MAX])
{
    static const char BEGIN[] = "vector ";
    const char *text = page_block("vectors");
    struct page_line line;
    size_t count = 0;

    while (page_next(&text, &line)) {
        expect(strncmp(line.key, BEGIN, strlen(BEGIN)) == 0 && count < PAGE_VECTORS_MAX,
               "expected a vector at '%s'", line.key);
        vectors[count++] = (struct page_vector){line.key + strlen(BEGIN), page_hex(line.value)};
    }
    expect(count > 0, "expected docs/protocol.md to have vectors");
    return count;
}

/* Removes the next cell from a row "| CELL |" and returns it. */
static const char *next_cell(const char **row)
{
    const char *cell = *row + 1;
    size_t size = strcspn(cell, "|\n");

    expect(**row == '|' && cell[size] == '|', "expected a cell at '%.40s'", *row);
    *row = cell + size;
    return trimmed(cell, size);
}

size_t page_rows(struct page_row rows[PAGE_VECTORS_MAX])
{
    const char *text = between(page(), "\n### What each datagram gets\n", "\n## ");
    size_t count = 0;

    for (const char *row = text; (row = strstr(row, "\n| `")) != NULL;) {
        expect(count < PAGE_VECTORS_MAX, "expected at most %d rows", PAGE_VECTORS_MAX);
        struct page_row *made = &rows[count++];
        row++;
        const char *cell = next_cell(&row);
        made->fresh_cookie = strstr(cell, "fresh cookie") != NULL;
        made->vector = between(cell, "`", "`");
        for (size_t i = 0; i < PAGE_COLUMNS; i++) {
            cell = next_cell(&row);
            made->cells[i].gets = trimmed(cell, strcspn(cell, " "));
            made->cells[i].counter = between(cell, "`", "`");
        }
    }
    expect(count > 0, "expected docs/protocol.md to have the table of replies");
    return count;
}
