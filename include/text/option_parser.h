#ifndef TEXT_OPTION_PARSER_H
#define TEXT_OPTION_PARSER_H

#include <stddef.h>
#include <stdint.h>

/* Command-line options from a table. The same rows are parsed, printed as help, and made into shell
 * completions. */

enum { OPTION_PARSER_ROWS_MAX = 32 }; /* option_command has a bit of a uint32_t for each row */

struct option_row {
    char short_name;      /* 'c' for -c; 0: the option has only a long name */
    const char *name;     /* "config" for --config */
    const char *argument; /* "FILE", "this|that" for a choice; NULL: it takes none */
    const char *help;     /* one line */
};

/* A command of a program that has several (udpctl), for its help and for completions. */
struct option_command {
    const char *name;
    const char *arguments; /* its operands, "" for none */
    const char *help;      /* one line */
    uint32_t rows;         /* bit i: option row i applies to this command */
};

/* The parser of one command line, over libc's getopt_long: a process has at most one at a time. */
struct option_parser {
    int argc;
    char **argv;
    const struct option_row *rows;
    size_t count;
    const char *value; /* the argument of the last option, NULL if it takes none */
    char error[160];   /* the reason, after OPTION_PARSER_ERROR */
};

enum { OPTION_PARSER_END = -1, OPTION_PARSER_ERROR = -2 };

/* Keeps argv and rows, which the caller owns; argv may be reordered. */
void option_parser_init(struct option_parser *options, int argc, char **argv,
                        const struct option_row *rows, size_t count);

/* Returns the index of the next option's row; OPTION_PARSER_END after the last option;
 * OPTION_PARSER_ERROR if the next one is wrong. Options may follow operands, as in GNU programs;
 * "--" ends the options. */
int option_parser_next(struct option_parser *options);

/* Returns the operands, *count of them. Call it after OPTION_PARSER_END. */
char **option_parser_operands(const struct option_parser *options, int *count);

/* Writes the rows as help, one line each, to out, truncated to room and always NUL-terminated.
 * Returns the length of the whole text, as snprintf does. */
size_t option_parser_help(char *out, size_t room, const struct option_row *rows, size_t count);

#endif
