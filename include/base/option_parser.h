#ifndef BASE_OPTION_PARSER_H
#define BASE_OPTION_PARSER_H

#include <stddef.h>
#include <stdint.h>

enum { OPTION_PARSER_ROWS_MAX = 32 }; /* rows of a table: a bit of a uint32_t each */

/* Command lines from a table: the same rows are parsed, printed as help and turned into
 * documentation. */
struct option_row {
    char letter;          /* 'c' for -c, or 0 for a long form alone */
    const char *name;     /* "config" for --config */
    const char *argument; /* "FILE", "this|that" for a choice, or NULL if it takes none */
    const char *help;     /* one line */
};

/* A command of a program that has several: printed as help, and completed by shells. */
struct option_command {
    const char *name;
    const char *arguments; /* what stands behind it, "" for nothing */
    const char *help;      /* one line */
    uint32_t rows;         /* bit i: row i of the options is for this command */
};

/* A command line being read, over libc's getopt_long: one at a time in a process. */
struct option_parser {
    int argc;
    char **argv;
    const struct option_row *rows;
    size_t count;
    const char *value; /* the argument of the option just read, NULL if it takes none */
    char error[160];   /* what is wrong, when option_parser_next says so */
};

enum { OPTION_PARSER_END = -1, OPTION_PARSER_WRONG = -2 };

void option_parser_begin(struct option_parser *options, int argc, char **argv,
                         const struct option_row *rows, size_t count);

/* The index of the next option's row, OPTION_PARSER_END where the operands begin, or
 * OPTION_PARSER_WRONG with error filled in. Options may stand behind operands, as GNU programs have
 * it; "--" ends them. */
int option_parser_next(struct option_parser *options);

/* Behind OPTION_PARSER_END: the operands, *count of them. */
char **option_parser_operands(const struct option_parser *options, int *count);

/* Writes the rows as help, a line each, to out (always closed by a NUL, cut where room ends).
 * Returns the length that it wants, as snprintf. */
size_t option_parser_help(char *out, size_t room, const struct option_row *rows, size_t count);

#endif
