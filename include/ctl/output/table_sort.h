#ifndef CTL_OUTPUT_TABLE_SORT_H
#define CTL_OUTPUT_TABLE_SORT_H

#include "address/client_name.h"

#include <stddef.h>
#include <stdint.h>

/* The order of a sorted table: ascending by a number, and rows with the same number by the client
 * name in the first column (client_name_compare). */

/* A row with its sort keys. */
struct output_row {
    const char *cells; /* not owned; each cell ends in a NUL */
    uint64_t number;   /* of the column by which the table is sorted; 0 if that is text */
    struct client_name name;
};

/* Returns the row of these cells; number is the cell to sort by, or NULL. */
struct output_row table_sort_row(const char *cells, const char *number);

/* Sorts the rows. */
void table_sort(struct output_row *rows, size_t count);

#endif
