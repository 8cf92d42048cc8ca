#ifndef COMPLETION_PROGRAM_OPTIONS_H
#define COMPLETION_PROGRAM_OPTIONS_H

#include "text/option_parser.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The options and commands of a program, from the same tables as its help, and the functions that
 * the writers of the completion scripts for bash, zsh and fish share. */
struct program_options {
    const char *name; /* only letters, because it is part of the names of shell functions */
    const struct option_row *rows;
    size_t row_count; /* at most OPTION_PARSER_ROWS_MAX */
    /* Returns command i, or NULL after the last one. The pointer is NULL if the program has no
     * commands. */
    const struct option_command *(*command)(size_t i);
    const char *operand; /* the first operand of a program without commands: "HOST[:PORT]"; "" */
};

/* How a shell completes an argument, according to its name in a table. */
enum argument_kind {
    ARGUMENT_OTHER,    /* not completed */
    ARGUMENT_CHOICE,   /* "this|that"; with "|[@NAME]" also the names of clients */
    ARGUMENT_FILE,     /* FILE, PATH */
    ARGUMENT_HOST,     /* HOST[:PORT] */
    ARGUMENT_CLIENT,   /* ADDRESS: listed by the program's command `clients` */
    ARGUMENT_LISTENER, /* LISTENER: the same, so only listeners that have a client are completed */
    ARGUMENT_NAME,     /* [@NAME]: only the names of clients, from the same list */
    ARGUMENT_JOB,      /* ID: listed by the program's command `jobs` */
};

/* Whether the words of a choice are not all: the names of clients belong to it. */
bool program_options_choice_has_names(const char *choice);
/* Returns the kind of an argument by its name in a table, such as "FILE" or "this|that". */
enum argument_kind program_options_argument_kind(const char *argument);

/* Returns the command that lists the arguments of this kind, and the column of its table that has
 * them: "clients 1", "clients 2", "jobs 1". Returns NULL for kinds that no command lists. */
const char *program_options_list_command(enum argument_kind kind);

/* Returns the options that are not specific to a command: bit i for row i. */
uint32_t program_options_common_rows(const struct program_options *program);

/* Iterates over the options in a mask of rows: returns the first one from index *i and sets *i to
 * the index after it. Returns NULL after the last one. */
const struct option_row *program_options_next_row(const struct program_options *program,
                                                  uint32_t rows, size_t *i);

/* Writes text with each PROGRAM replaced by the program's name. */
void program_options_write(FILE *out, const struct program_options *program, const char *text);

/* Writes the words of an argument like "this|that", separated by blanks. */
void program_options_write_choice(FILE *out, const char *choice);

/* Writes an option as a pattern of the shell's case: "-s | --socket". */
void program_options_write_pattern(FILE *out, const struct option_row *row);

#endif
