#include "config/config_parser.h"
#include "config/config_address_types.h"
#include "config/config_consistency.h"
#include "config/config_defaults.h"
#include "config/config_keys.h"
#include "config/config_origins.h"
#include "config/config_syntax.h"
#include "text/printable.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_BYTES = 48 }; /* of a file's contents in a diagnostic */

/* The section after a section line with an error: the keys in it are ignored. */
static const char UNKNOWN[] = "";

/* A file that is being read. */
struct frame {
    struct frame *includer;
    struct config_location at; /* column 0 between lines */
    const char *section;       /* NULL before the first section */
};

struct config_parser {
    struct config *config;
    struct config *unused; /* receives what files contain for keys that the command line has set */
    struct config_origins origins;
    struct config_diagnostics diagnostics;
    struct frame *frame;
    char *line; /* a copy of the current line, which config_syntax modifies */
    char *include;
};

struct config_parser *config_parser_new(void)
{
    struct config_parser *parser = calloc(1, sizeof *parser);
    if (!parser)
        return NULL;
    parser->config = config_defaults();
    parser->unused = config_defaults();
    parser->line = malloc(CONFIG_LINE_BYTES_MAX + 1);
    if (!config_diagnostics_init(&parser->diagnostics) || !parser->config || !parser->unused ||
        !parser->line) {
        config_parser_free(parser);
        return NULL;
    }
    return parser;
}

void config_parser_free(struct config_parser *parser)
{
    if (!parser)
        return;
    while (parser->frame)
        config_parser_file_end(parser);
    config_diagnostics_free(&parser->diagnostics);
    config_origins_free(&parser->origins);
    free(parser->line);
    config_free(parser->config);
    config_free(parser->unused);
    free(parser);
}

#define add_error(parser, at, ...) config_diagnostics_add(&(parser)->diagnostics, at, __VA_ARGS__)

/* Sets the current location to a byte of the current line, and returns it. */
static const struct config_location *locate(struct config_parser *parser, const char *byte)
{
    parser->frame->at.column = (uint32_t)(byte - parser->line) + 1;
    return &parser->frame->at;
}

/* Makes a part of a file's contents printable. */
static const char *show(char shown[SHOWN_BYTES], const char *bytes, size_t size)
{
    printable_ascii(shown, SHOWN_BYTES, bytes, size);
    return shown;
}

/* Files. */

bool config_parser_file_begin(struct config_parser *parser, const char *name)
{
    struct frame *frame = calloc(1, sizeof *frame);
    if (!frame)
        return false;
    frame->at.file = config_diagnostics_name(&parser->diagnostics, name);
    frame->section = parser->frame ? parser->frame->section : NULL;
    frame->includer = parser->frame;
    parser->frame = frame;
    parser->origins.has_file = true;
    return frame->at.file != NULL;
}

void config_parser_file_end(struct config_parser *parser)
{
    struct frame *frame = parser->frame;
    parser->frame = frame->includer;
    free(frame);
}

const char *config_parser_include_path(const struct config_parser *parser)
{
    return parser->include;
}

void config_parser_add_error(struct config_parser *parser, const char *text)
{
    add_error(parser, &parser->frame->at, "%s", text);
}

/* Sections and keys. */

/* Enters a section; name is NULL if its line has an error. */
static void enter_section(struct config_parser *parser, const char *name)
{
    const char *section = name ? config_section_find(name) : NULL;
    parser->frame->section = section ? section : UNKNOWN;
    if (section || !name)
        return;
    char shown[SHOWN_BYTES];
    const char *meant = config_section_nearest(name);
    add_error(parser, locate(parser, name), "unknown section [%s]%s%s%s",
              show(shown, name, strlen(name)), meant ? " (did you mean [" : "", meant ? meant : "",
              meant ? "]?)" : "");
}

/* Returns the key of that name in the current section; adds an error and returns NULL if there is
 * none. */
static const struct config_key *find_key(struct config_parser *parser, const char *name)
{
    const struct config_location *at = &parser->frame->at;
    const char *section = parser->frame->section;
    const struct config_key *key = section ? config_key_find(section, name) : NULL;
    if (key || section == UNKNOWN)
        return key;

    char shown[SHOWN_BYTES], sections[CONFIG_SECTIONS_BYTES];
    const char *meant = section ? config_key_nearest(section, name) : NULL;
    show(shown, name, strlen(name));
    if (config_key_sections(name, sections))
        add_error(parser, at, "'%s' belongs to %s", shown, sections);
    else if (!section)
        add_error(parser, at, "'%s' stands before the first [section]", shown);
    else
        add_error(parser, at, "unknown key '%s' in [%s]%s%s%s", shown, section,
                  meant ? " (did you mean '" : "", meant ? meant : "", meant ? "'?)" : "");
    return NULL;
}

/* Values. */

/* Begins a value of a key in config and records its origin; a list loses its default. Returns
 * false, and adds an error, if the key is not a list and already has its value. */
static bool begin_value(struct config_parser *parser, const struct config_key *key,
                        struct config_origin *origin, struct config *config,
                        const struct config_location *at)
{
    if (origin->given && !key->type->clear) {
        if (origin->at.line > 0)
            add_error(parser, at, "'%s' was given before, at %s:%u", key->name, origin->at.file,
                      origin->at.line);
        else
            add_error(parser, at, "'%s' was given before", key->name);
        return false;
    }
    if (!origin->given && key->type->clear)
        key->type->clear(config);
    *origin = (struct config_origin){.given = true, .at = *at};
    return true;
}

static void add_origin(struct config_parser *parser, struct config_item_origins *origins,
                       const struct config_location *at)
{
    if (!config_origins_add(origins, at))
        parser->diagnostics.no_memory = true;
}

static void add_item(struct config_parser *parser, const struct config_key *key,
                     struct config *config, const char *item, size_t size,
                     const struct config_location *at)
{
    char reason[CONFIG_REASON_BYTES], shown[SHOWN_BYTES];
    size_t listen_count = config->server.listen_count;
    int result = config_key_set(key, config, item, size, reason);
    if (result == -ENOMEM)
        parser->diagnostics.no_memory = true;
    else if (result != 0)
        add_error(parser, at, "bad value '%s' for '%s': %s", show(shown, item, size), key->name,
                  reason);
    else if (config == parser->config && config->server.listen_count > listen_count)
        parser->origins.listen[listen_count] = *at;
    else if (config == parser->config && key->type == &CONFIG_ALLOW)
        add_origin(parser, &parser->origins.allow, at);
    else if (config == parser->config && key->type == &CONFIG_DENY)
        add_origin(parser, &parser->origins.deny, at);
}

/* Reads one item of a key's value; adds an error and returns false if there is none. */
static bool read_item(struct config_parser *parser, const char *key, struct config_item *item,
                      char *value, bool list)
{
    const char *wrong = config_item_read(item, value, list);
    if (wrong) {
        add_error(parser, locate(parser, item->wrong), "%s", wrong);
        return false;
    }
    const struct config_location *at = locate(parser, item->start);
    if (item->size == 0 && !item->quoted) {
        add_error(parser, at, "'%s' has no value", key);
        return false;
    }
    return true;
}

static void read_value(struct config_parser *parser, const struct config_key *key, char *value)
{
    const struct config_location *at = &parser->frame->at;
    bool unused = config_origin_of(parser->origins.in_options, key)->given;
    struct config *config = unused ? parser->unused : parser->config;
    if (!begin_value(parser, key, config_origin_of(parser->origins.in_files, key), config, at))
        return;

    struct config_item item;
    for (; value; value = item.next) {
        if (!read_item(parser, key->name, &item, value, key->type->clear != NULL))
            return;
        add_item(parser, key, config, item.bytes, item.size, at);
    }
}

static void read_include(struct config_parser *parser, char *value)
{
    struct config_item item;
    if (!read_item(parser, "include", &item, value, false))
        return;
    if (item.size == 0 || memchr(item.bytes, '\0', item.size))
        add_error(parser, &parser->frame->at, "'include' takes a path or a pattern");
    else
        parser->include = item.bytes;
}

static void read_line(struct config_parser *parser, size_t size)
{
    struct config_statement statement;
    const char *wrong = config_statement_read(&statement, parser->line, size);
    if (wrong)
        add_error(parser, locate(parser, statement.wrong), "%s", wrong);

    if (statement.form == CONFIG_SECTION) {
        enter_section(parser, statement.name);
    } else if (statement.form == CONFIG_SETTING) {
        locate(parser, statement.name);
        if (strcmp(statement.name, "include") == 0) {
            read_include(parser, statement.value);
        } else {
            const struct config_key *key = find_key(parser, statement.name);
            if (key)
                read_value(parser, key, statement.value);
        }
    }
}

/* Skips the byte order mark (U+FEFF) that an editor may put at the start of a UTF-8 file. It may be
 * in any line, since files are also made by concatenation. */
static void skip_byte_order_mark(const char **line, size_t *size)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t length = sizeof mark - 1;
    if (*size >= length && memcmp(*line, mark, length) == 0) {
        *line += length;
        *size -= length;
    }
}

static bool is_utf16(const char *line, size_t size)
{
    return size >= 2 && (memcmp(line, "\xff\xfe", 2) == 0 || memcmp(line, "\xfe\xff", 2) == 0);
}

enum config_parser_next config_parser_line(struct config_parser *parser, const char *line,
                                           size_t size)
{
    parser->frame->at.line++;
    parser->frame->at.column = 0;
    parser->include = NULL;
    skip_byte_order_mark(&line, &size);
    if (size > 0 && line[size - 1] == '\r')
        size--;
    if (size > CONFIG_LINE_BYTES_MAX) {
        parser->frame->at.column = CONFIG_LINE_BYTES_MAX + 1;
        add_error(parser, &parser->frame->at, "a line of %zu bytes; the limit is %d", size,
                  CONFIG_LINE_BYTES_MAX);
    } else if (parser->frame->at.line == 1 && is_utf16(line, size)) {
        parser->frame->at.column = 1;
        add_error(parser, &parser->frame->at, "this is UTF-16: save the file as UTF-8");
    } else {
        memcpy(parser->line, line, size);
        parser->line[size] = '\0';
        read_line(parser, size);
    }
    if (parser->diagnostics.no_memory)
        return CONFIG_NO_MEMORY;
    return parser->include ? CONFIG_INCLUDE : CONFIG_NEXT;
}

bool config_parser_override(struct config_parser *parser, const char *where, const char *section,
                            const char *name, const char *value)
{
    const struct config_key *key = config_key_find(section, name);
    struct config_location at = {.file = config_diagnostics_name(&parser->diagnostics, where)};
    assert(key && !parser->frame);
    if (!at.file)
        return false;
    struct config_origin *origin = config_origin_of(parser->origins.in_options, key);
    if (begin_value(parser, key, origin, parser->config, &at))
        add_item(parser, key, parser->config, value, strlen(value), &at);
    return !parser->diagnostics.no_memory;
}

struct config *config_parser_finish(struct config_parser *parser)
{
    assert(parser->config);
    config_consistency_check(parser->config, &parser->origins, &parser->diagnostics);
    config_set_dependent_defaults(parser->config, &parser->origins);
    if (parser->diagnostics.count > 0 || parser->diagnostics.no_memory)
        return NULL;
    struct config *config = parser->config;
    parser->config = NULL;
    return config;
}

const struct config_diagnostic *config_parser_diagnostics(const struct config_parser *parser,
                                                          size_t *count, size_t *dropped)
{
    *count = parser->diagnostics.count;
    *dropped = parser->diagnostics.dropped;
    return parser->diagnostics.list;
}
