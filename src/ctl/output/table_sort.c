#include "ctl/output/table_sort.h"

#include <stdlib.h>

struct output_row table_sort_row(const char *cells, const char *number)
{
    struct output_row row = {.cells = cells, .number = number ? strtoull(number, NULL, 10) : 0};
    client_name_parse(&row.name, NULL, cells);
    return row;
}

static int compare_rows(const void *a, const void *b)
{
    const struct output_row *left = a, *right = b;
    if (left->number != right->number)
        return left->number < right->number ? -1 : 1;
    return client_name_compare(&left->name, &right->name);
}

void table_sort(struct output_row *rows, size_t count)
{
    qsort(rows, count, sizeof *rows, compare_rows);
}
