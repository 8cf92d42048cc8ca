#ifndef CONFIG_CONFIG_SYNTAX_H
#define CONFIG_CONFIG_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>

/* The syntax of configuration lines: sections, settings, items, quotes, escapes and comments. It
 * does not know which sections and keys exist. Lines are modified in place, and the results point
 * into them. The functions return NULL, or what is wrong, a static string, and then set `wrong` to
 * its position. */

enum config_form {
    CONFIG_EMPTY,   /* an empty line, or only a comment */
    CONFIG_SECTION, /* [name] */
    CONFIG_SETTING, /* name = value */
};

struct config_statement {
    enum config_form form; /* as far as it was recognized, even if the line is wrong */
    char *name;
    char *value; /* of a setting: the text after '=', for config_item_read */
    char *wrong; /* the position of the error */
};

/* Parses a line of size bytes, which a NUL byte follows. */
const char *config_statement_read(struct config_statement *statement, char *line, size_t size);

/* An item of a value. Only lists have more than one. */
struct config_item {
    char *start; /* where it begins in the line */
    char *bytes; /* without quotes and escapes; a NUL byte follows */
    size_t size;
    bool quoted;
    char *next; /* what follows the comma after the item; NULL after the last one */
    char *wrong;
};

/* Parses the first item of a value. A comma ends an item only in a list. */
const char *config_item_read(struct config_item *item, char *value, bool list);

#endif
