#ifndef CONFIG_CONFIG_PARSER_H
#define CONFIG_CONFIG_PARSER_H

#include "config/config.h"
#include "config/config_diagnostics.h"

#include <stdbool.h>
#include <stddef.h>

/* The parser of configuration files and of configuration keys on the command line. The caller
 * passes in the lines of files; the parser opens nothing, prints nothing and never exits. It owns
 * what it returns pointers to, except the configuration of config_parser_finish. */
struct config_parser;

enum {
    /* The longest line: a message of the maximum length with every byte written as \xNN, and some
     * space for the key. */
    CONFIG_LINE_BYTES_MAX = 512 << 10,
};

/* NULL if there is no memory. */
struct config_parser *config_parser_new(void);
void config_parser_free(struct config_parser *parser);

/* Sets a key as the command line does: the value is one item without quotes, escapes or comments.
 * What files contain for the key is then checked, but not used. Each further call for a list key
 * adds an item. Call it before the first file. The key must exist. where is the option, for
 * diagnostics, such as "-l". Returns false if there is no memory. */
bool config_parser_override(struct config_parser *parser, const char *where, const char *section,
                            const char *key, const char *value);

/* Begin and end a file; between them its lines are passed in. name is the file's name in
 * diagnostics. Calls nest, as includes do: an included file begins in the section of the include
 * line, and the including file continues in that section. Returns false if there is no memory. */
bool config_parser_file_begin(struct config_parser *parser, const char *name);
void config_parser_file_end(struct config_parser *parser);

/* What the caller does after a line. */
enum config_parser_next {
    CONFIG_NEXT,    /* pass in the next line */
    CONFIG_INCLUDE, /* pass in the files of config_parser_include_path, each between
                       config_parser_file_begin and _end, and then the next line */
    CONFIG_NO_MEMORY,
};

/* Parses one line of size bytes, without its newline. It may contain any bytes, NUL bytes too; a
 * line longer than CONFIG_LINE_BYTES_MAX is an error in the configuration. */
enum config_parser_next config_parser_line(struct config_parser *parser, const char *line,
                                           size_t size);

/* The path or pattern of the include line that was just parsed, as written. Valid until the next
 * line. */
const char *config_parser_include_path(const struct config_parser *parser);

/* Adds an error that the caller found (printable text): about the include line that was just
 * parsed, or, before the first line, about the file. */
void config_parser_add_error(struct config_parser *parser, const char *text);

/* Checks the configuration as a whole, and returns it; the caller frees it with config_free. Call
 * it once. NULL if there are errors, or if there is no memory. */
struct config *config_parser_finish(struct config_parser *parser);

/* The errors so far, in the order in which they were found. *count are listed; *dropped more were
 * found. */
const struct config_diagnostic *config_parser_diagnostics(const struct config_parser *parser,
                                                          size_t *count, size_t *dropped);

#endif
