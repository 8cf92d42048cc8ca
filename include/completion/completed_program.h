#ifndef COMPLETION_COMPLETED_PROGRAM_H
#define COMPLETION_COMPLETED_PROGRAM_H

#include "base/option_parser.h"

#include <stdint.h>
#include <stdio.h>

/* What a shell can complete of a program: its own tables, as its help prints them. */
struct completion_program {
    const char *name; /* letters alone, for functions are named by it */
    const struct option_row *rows;
    size_t row_count; /* at most OPTION_PARSER_ROWS_MAX */
    /* Command i, NULL behind the last one; NULL: the program has no commands. */
    const struct option_command *(*command)(size_t i);
    const char *operand; /* what its first operand is, if it has no commands: "HOST[:PORT]"; "" */
};

/* What an argument stands for, told by its name in a table. */
enum completion_kind {
    COMPLETION_NOTHING, /* anything that a shell can't know */
    COMPLETION_WORDS,   /* "this|that" */
    COMPLETION_FILE,    /* FILE, PATH */
    COMPLETION_HOST,    /* HOST[:PORT] */
    COMPLETION_CLIENT,  /* ADDRESS: the program itself lists them, by `clients` */
    COMPLETION_JOB,     /* ID: the same, by `jobs` */
};
enum completion_kind completion_kind_of(const char *argument);

/* The command of the program that lists what is of this kind: "clients", "jobs". */
const char *completion_lister(enum completion_kind kind);

/* The rows that belong to no command, a bit each. */
uint32_t completion_common_rows(const struct completion_program *program);

/* A row of rows, a mask, from *i on, and moves *i behind it; NULL when there is none left. */
const struct option_row *completion_next_row(const struct completion_program *program,
                                             uint32_t rows, size_t *i);

/* Writes text with the program's name in place of each PROGRAM. */
void completion_write(FILE *out, const struct completion_program *program, const char *text);

/* The words of a choice, with a blank between. */
void completion_words(FILE *out, const char *choice);

/* "-s | --socket", a pattern of case, for a row. */
void completion_pattern(FILE *out, const struct option_row *row);

#endif
