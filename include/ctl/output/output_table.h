#ifndef CTL_OUTPUT_OUTPUT_TABLE_H
#define CTL_OUTPUT_OUTPUT_TABLE_H

#include "ctl/output/output_field.h"

#include <stdbool.h>
#include <stddef.h>

/* A table: rows of columns. It is collected from an answer's lines, which all have the same key and
 * whose value is the columns separated by one blank each; it may be sorted, and is printed as
 * aligned text or as a JSON array of objects.
 *
 * Nothing is printed before the answer is complete, not even in JSON: a program that reads half a
 * table and ignores the exit status would take it for the whole table. So all rows are kept in
 * memory: a row takes the bytes of its text (about 50 for a client), and at least half as much
 * again if sorted. */

struct output_row;
struct output_chunk;

struct output_table {
    const char *key;
    const struct output_field *fields;
    size_t count; /* of columns, at most OUTPUT_FIELDS_MAX */
    bool json;
    FILE *out;
    /* true: sorted in ascending order by the column sort_by if that is a number. Rows that are
     * equal there, and all rows if it is not a number, are sorted by the address in the first
     * column. */
    bool sorted;
    size_t sort_by;
    size_t limit; /* of rows to print, 0: all */
    /* Private; all zero at the beginning. */
    struct output_chunk *first, *last;
    struct output_row *rows; /* only if sorted: the order of the rows */
    size_t row_count;
};

/* An answer_line_handler with the table as its state: adds a row. It ignores other keys and further
 * columns, because the server may be newer than udpctl. */
const char *output_table_add_line(void *table, const char *key, char *value);

/* Prints the rows. */
void output_table_print(struct output_table *table);

/* Frees the rows. The table can then be used again. */
void output_table_free(struct output_table *table);

#endif
