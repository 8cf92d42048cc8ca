#ifndef CONFIG_CONFIG_PARSER_H
#define CONFIG_CONFIG_PARSER_H

#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    /* A line: the longest message, every byte written as \xNN, and room. */
    CONFIG_LINE_BYTES_MAX = 512 << 10,
    CONFIG_DIAGNOSTICS_MAX = 100, /* reported of one configuration; what is beyond is counted */
};

/* One complaint about a configuration: where it is and what is wrong. Both texts are printable; the
 * second may go on with indented lines that can be pasted into a file. */
struct config_diagnostic {
    const char *file; /* or the option */
    uint32_t line;    /* from 1; 0: the file as a whole */
    uint32_t column;  /* from 1, in bytes; 0: the line as a whole */
    char *text;       /* no newline at its end */
};

/* A line machine: it reads a configuration that is handed to it line by line, and never opens,
 * prints or exits. It owns all that it hands out. */
struct config_parser;

/* NULL when memory is short. */
struct config_parser *config_parser_new(void);
void config_parser_free(struct config_parser *machine);

/* Sets a key as the command line does: the value is one item, taken as it stands (no quotes,
 * escapes or comments), and what files say of the key is checked but not used. Given again, a list
 * key adds up. Before the first file; the key is one that exists. where names the option in
 * complaints ("-l"). False when memory is short. */
bool config_parser_override(struct config_parser *machine, const char *where, const char *section,
                            const char *key, const char *value);

/* Between these two come the lines of one file, named as the reader of a complaint should see it.
 * They nest, as includes do: an included file begins in the section of the include line, which the
 * includer finds restored at the end. False when memory is short. */
bool config_parser_file_begin(struct config_parser *machine, const char *name);
void config_parser_file_end(struct config_parser *machine);

/* What the caller is to do behind a line. */
enum config_parser_next {
    CONFIG_NEXT,    /* feed the next line */
    CONFIG_INCLUDE, /* feed the files of config_parser_include between config_parser_file_begin and
                       _end, then go on */
    CONFIG_NO_MEMORY,
};

/* One line of size bytes without its newline; it may hold anything, NULs too, and be longer than
 * CONFIG_LINE_BYTES_MAX, which is a complaint. */
enum config_parser_next config_parser_line(struct config_parser *machine, const char *line,
                                           size_t size);

/* The path or pattern of the include line just read, as written. Valid until the next line. */
const char *config_parser_include(const struct config_parser *machine);

/* Adds a complaint of the caller's (printable text) about the include line just read, or, before
 * the first line, about the file. */
void config_parser_report(struct config_parser *machine, const char *text);

/* Checks what only the whole can tell (a listener that other hosts reach needs a policy), and hands
 * the configuration to the caller, who frees it. Once. NULL if there is any complaint, or no
 * memory. */
struct config *config_parser_finish(struct config_parser *machine);

/* The complaints so far, in order; count is how many are listed, dropped how many more there were.
 */
const struct config_diagnostic *config_parser_diagnostics(const struct config_parser *machine,
                                                          size_t *count, size_t *dropped);

#endif
