#ifndef CTL_OUTPUT_OUTPUT_H
#define CTL_OUTPUT_OUTPUT_H

#include "address/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The same figures for people and for programs: an answer's lines, collected by a list of fields,
 * printed as aligned text or as JSON. */

enum output_kind {
    OUTPUT_TEXT,
    OUTPUT_NUMBER,
    OUTPUT_SECONDS,      /* in tables for people: "12s" */
    OUTPUT_MILLISECONDS, /* in tables for people: "1.234s" */
};

struct output_field {
    const char *name; /* in JSON; in a record also the key of the answer's line */
    const char *note; /* in a table the column's header; in a record what it means, or NULL */
    enum output_kind kind;
};

enum {
    OUTPUT_FIELDS_MAX = 48,
    OUTPUT_VALUE_BYTES = 64, /* a value of a record: a number, a version, a state */
};

/* ---- A record: each field once, in lines of key and value ---- */

struct output_record {
    const struct output_field *fields;
    size_t count; /* at most OUTPUT_FIELDS_MAX */
    size_t apart; /* in lines, an empty one stands before this field; 0: none does */
    char values[OUTPUT_FIELDS_MAX][OUTPUT_VALUE_BYTES]; /* "" while missing */
};

enum output_form {
    OUTPUT_LINES,    /* a line for each field: name, value, note */
    OUTPUT_ONE_LINE, /* "name value  name value" */
    OUTPUT_JSON,     /* an object in one line */
};

/* An answer_visit: takes the value of one of the record's fields; other keys are passed over, for
 * the server may be newer. */
const char *output_record_line(void *record, const char *key, char *value);

/* The name of a field that has had no value, or NULL. */
const char *output_record_missing(const struct output_record *record);
void output_record_print(FILE *out, const struct output_record *record, enum output_form form);

/* ---- A table: one key for all lines, a value of columns with one blank between ---- */

struct output_row;
struct output_chunk;

struct output_table {
    const char *key;
    const struct output_field *fields;
    size_t count; /* at most OUTPUT_FIELDS_MAX */
    bool json;
    FILE *out;
    /* Sorted: ascending by the column sort_by if it is a number, and where that is equal or no
     * number, by the address in the first column. */
    bool sorted;
    size_t sort_by;
    size_t limit; /* rows to be printed, 0: all */
    /* What was collected; zero at the beginning. */
    struct output_chunk *first, *last;
    struct output_row *rows; /* sorted alone: their order */
    size_t row_count;
};

/* An answer_visit: takes a row. Nothing is printed before the answer is complete, whatever the
 * form: a program that reads half a table, and doesn't look at the exit status, would take it for
 * the whole. A row takes its text, some 50 bytes for a client; half as much again and more, sorted.
 */
const char *output_table_line(void *table, const char *key, char *value);

/* Prints what was kept. */
void output_table_finish(struct output_table *table);
void output_table_free(struct output_table *table);

/* ---- Failures ---- */

/* Says text: {"error":…} on stdout, or a line of the program's on stderr. Returns 1, the exit
 * status that goes with it. */
int output_error(bool json, const char *text);

/* Puts on stdout what is still kept. Returns status, or 1 with a complaint if stdout failed for
 * another reason than a reader who has had enough. */
int output_close(int status);

#endif
