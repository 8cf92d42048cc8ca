#ifndef CONFIG_CONFIG_SYNTAX_H
#define CONFIG_CONFIG_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>

/* The syntax of a configuration's lines: what they say, whatever it means. Lines are cut up in
 * place: what is handed out points into them. A reader returns NULL, or what is wrong, a static
 * string, and where. */

enum config_form {
    CONFIG_EMPTY,   /* nothing, or a comment */
    CONFIG_SECTION, /* [name] */
    CONFIG_SETTING, /* name = value */
};

struct config_statement {
    enum config_form form; /* as far as it was recognised, even of a line that is wrong */
    char *name;
    char *value; /* of a setting: all behind '=', for config_item_read */
    char *wrong; /* the byte where it went wrong */
};

/* Reads a line of size bytes, behind which there is a NUL. */
const char *config_statement_read(struct config_statement *statement, char *line, size_t size);

/* One item of a value; a value that is no list has one. */
struct config_item {
    char *start; /* as it is written */
    char *bytes; /* as it is meant; a NUL stands behind */
    size_t size;
    bool quoted;
    char *next; /* what follows the comma behind it, NULL if it is the last */
    char *wrong;
};

/* Reads the first item of a value. Commas end items of a list alone. */
const char *config_item_read(struct config_item *item, char *value, bool list);

#endif
