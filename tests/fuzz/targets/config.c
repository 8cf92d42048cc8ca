/* config/config_parser: any input gives either a configuration or diagnostics; a configuration that
 * is printed and parsed again is the same. Byte 0 at the start of a line ends an included file,
 * byte 1 begins one. */
#include "target.h"

#include "config/config_listing.h"
#include "config/config_parser.h"

#include <string.h>

struct text {
    char *bytes;
    size_t size, capacity;
};

static void add(struct text *text, const char *bytes, size_t size)
{
    if (text->size + size > text->capacity) {
        text->capacity = 2 * (text->size + size);
        text->bytes = realloc(text->bytes, text->capacity);
        must(text->bytes != NULL);
    }
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
}

static void print(const struct config *config, struct text *text)
{
    struct config_listing listing = {.started = config, .loaded = config};
    struct config_entry entry;
    const char *section = NULL;
    for (int next; (next = config_listing_next(&listing, &entry)); section = entry.section) {
        must(next == 1);
        char *line = config_entry_text(&entry, section);
        must(line != NULL);
        add(text, line, strlen(line));
        free(line);
    }
}

static void feed(struct config_parser *parser, const char *bytes, size_t size)
{
    int depth = 0;
    must(config_parser_file_begin(parser, "f"));
    while (size > 0) {
        const char *newline = memchr(bytes, '\n', size);
        size_t line = newline ? (size_t)(newline - bytes) : size;
        must(config_parser_line(parser, bytes, line) != CONFIG_NO_MEMORY);
        if (line > 0 && bytes[0] == 1 && depth < 8 && ++depth)
            must(config_parser_file_begin(parser, "included"));
        if (line > 0 && bytes[0] == 0 && depth > 0 && depth--)
            config_parser_file_end(parser);
        line += newline != NULL;
        bytes += line;
        size -= line;
    }
    for (; depth >= 0; depth--)
        config_parser_file_end(parser);
}

/* Returns the configuration, or NULL if there are diagnostics, which must then be printable. */
static struct config *read_config(const char *bytes, size_t size)
{
    struct config_parser *parser = config_parser_new();
    must(parser != NULL);
    feed(parser, bytes, size);
    struct config *config = config_parser_finish(parser);
    size_t count, dropped;
    const struct config_diagnostic *diagnostics =
        config_parser_diagnostics(parser, &count, &dropped);
    must((config == NULL) == (count > 0));
    for (size_t i = 0; i < count; i++) {
        must(diagnostics[i].text[0] != '\0');
        for (const char *c = diagnostics[i].text; *c != '\0'; c++)
            must((*c >= ' ' && *c <= '~') || (*c == '\n' && c[1] == ' '));
    }
    config_parser_free(parser);
    return config;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct config *config = read_config((const char *)bytes, size);
    if (config == NULL)
        return 0;
    struct text first = {.bytes = NULL}, second = {.bytes = NULL};
    print(config, &first);
    struct config *again = read_config(first.bytes, first.size);
    must(again != NULL);
    print(again, &second);
    must(first.size == second.size && memcmp(first.bytes, second.bytes, first.size) == 0);
    config_free(again);
    config_free(config);
    free(first.bytes);
    free(second.bytes);
    return 0;
}
