#include "ctl/output/output_table.h"

#include "ctl/output/table_sort.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 64 << 10 }; /* any row is shorter: a line of an answer has 8 KiB */

/* A block of memory with rows one after another; each cell of a row ends in a NUL. */
struct output_chunk {
    struct output_chunk *next;
    size_t used;
    char cells[CHUNK_BYTES];
};

static bool is_optional(const struct output_table *table, size_t column)
{
    return output_field_is_optional(&table->fields[column]);
}

/* Ends each cell of a line with a NUL. *missing: how many of the last ones, which are optional, are
 * missing. */
static const char *split_cells(const struct output_table *table, char *line, size_t *size,
                               size_t *missing)
{
    char *cell = line;
    *missing = 0;
    for (size_t i = 0; i + *missing < table->count; i++) {
        bool takes_rest = table->fields[i].kind == OUTPUT_PAIRS;
        char *end = cell + (takes_rest ? strlen(cell) : strcspn(cell, " "));
        bool last = *end == '\0' && i + 1 < table->count;
        *end = '\0';
        if (*cell == '\0' || (last && !is_optional(table, i + 1)))
            return "a column is missing";
        if (last)
            *missing = table->count - i - 1;
        const char *wrong = output_field_check(&table->fields[i], cell);
        if (wrong)
            return wrong;
        cell = end + 1;
    }
    *size = (size_t)(cell - line);
    return NULL;
}

static const char *cell_of(const char *cells, size_t column)
{
    for (; column > 0; column--)
        cells += strlen(cells) + 1;
    return cells;
}

static void print_json_row(const struct output_table *table, const char *cells)
{
    for (size_t i = 0; i < table->count; i++, cells += strlen(cells) + 1) {
        if (table->fields[i].kind != OUTPUT_PAIRS)
            putc(i == 0 ? '{' : ',', table->out);
        output_field_print_json(table->out, &table->fields[i], cells);
    }
    putc('}', table->out);
}

/* Returns memory for a row's cells; NULL if there is none. */
static char *allocate_cells(struct output_table *table, size_t size)
{
    struct output_chunk *chunk = table->last;
    if (!chunk || chunk->used + size > CHUNK_BYTES) {
        chunk = malloc(sizeof *chunk);
        if (!chunk)
            return NULL;
        chunk->next = NULL;
        chunk->used = 0;
        *(table->last ? &table->last->next : &table->first) = chunk;
        table->last = chunk;
    }
    chunk->used += size;
    return chunk->cells + chunk->used - size;
}

static bool add_sort_key(struct output_table *table, const char *cells)
{
    bool is_number =
        table->fields[table->sort_by].kind != OUTPUT_TEXT && !is_optional(table, table->sort_by);
    /* The capacity is the next power of two. */
    if ((table->row_count & (table->row_count - 1)) == 0) {
        size_t capacity = table->row_count == 0 ? 1 : 2 * table->row_count;
        struct output_row *rows = reallocarray(table->rows, capacity, sizeof *rows);
        if (!rows)
            return false;
        table->rows = rows;
    }
    table->rows[table->row_count] =
        table_sort_row(cells, is_number ? cell_of(cells, table->sort_by) : NULL);
    return true;
}

static const char *add_row(struct output_table *table, const char *cells, size_t size,
                           size_t missing)
{
    char *copy = size + missing <= CHUNK_BYTES ? allocate_cells(table, size + missing) : NULL;
    if (!copy)
        return "not enough memory";
    memcpy(copy, cells, size);
    memset(copy + size, '\0', missing);
    if (table->sorted && !add_sort_key(table, copy))
        return "not enough memory";
    table->row_count++;
    return NULL;
}

const char *output_table_add_line(void *state, const char *key, char *value)
{
    struct output_table *table = state;
    if (strcmp(key, table->key) != 0)
        return NULL;
    size_t size, missing;
    const char *wrong = split_cells(table, value, &size, &missing);
    if (wrong)
        return wrong;
    bool is_full = !table->sorted && table->limit > 0 && table->row_count == table->limit;
    return is_full ? NULL : add_row(table, value, size, missing);
}

/* ---- Iteration over the rows, in the order of printing ---- */

struct row_cursor {
    const struct output_table *table;
    const struct output_chunk *chunk;
    size_t at; /* in the chunk */
    size_t row;
};

static struct row_cursor begin_rows(const struct output_table *table)
{
    return (struct row_cursor){.table = table, .chunk = table->first};
}

/* Returns the cells of the next row; NULL after the last one, or at the limit. */
static const char *next_row(struct row_cursor *cursor)
{
    const struct output_table *table = cursor->table;
    if (cursor->row == table->row_count || (table->limit > 0 && cursor->row == table->limit))
        return NULL;
    if (table->sorted)
        return table->rows[cursor->row++].cells;
    if (cursor->at == cursor->chunk->used) {
        cursor->chunk = cursor->chunk->next;
        cursor->at = 0;
    }
    const char *cells = cursor->chunk->cells + cursor->at;
    cursor->at += (size_t)(cell_of(cells, table->count) - cells);
    cursor->row++;
    return cells;
}

/* Returns the number of columns for people: without pairs in any row, their column is left out. */
static size_t shown_columns(const struct output_table *table)
{
    struct row_cursor cursor = begin_rows(table);
    size_t last = table->count - 1;
    if (table->fields[last].kind != OUTPUT_PAIRS)
        return table->count;
    for (const char *cells; (cells = next_row(&cursor)) != NULL;)
        if (*cell_of(cells, last) != '\0')
            return table->count;
    return last;
}

/* Text is aligned to the left, numbers to the right; a line has no trailing blanks. */
static void print_cell(const struct output_table *table, size_t column, bool last, int width,
                       const char *cell)
{
    if (table->fields[column].kind != OUTPUT_TEXT && !is_optional(table, column))
        fprintf(table->out, "%*s", width, cell);
    else
        fprintf(table->out, "%-*s", last ? 0 : width, cell);
    fputs(last ? "\n" : "  ", table->out);
}

static void print_text_rows(const struct output_table *table)
{
    int widths[OUTPUT_FIELDS_MAX];
    char shown[OUTPUT_FIELD_TEXT_BYTES];
    size_t count = shown_columns(table);
    struct row_cursor cursor = begin_rows(table);
    for (size_t i = 0; i < count; i++)
        widths[i] = (int)strlen(table->fields[i].note);
    for (const char *cell; (cell = next_row(&cursor)) != NULL;)
        for (size_t i = 0; i < count; i++, cell += strlen(cell) + 1) {
            int width = (int)strlen(output_field_format(&table->fields[i], cell, shown));
            widths[i] = width > widths[i] ? width : widths[i];
        }
    for (size_t i = 0; i < count; i++)
        print_cell(table, i, i + 1 == count, widths[i], table->fields[i].note);
    cursor = begin_rows(table);
    for (const char *cell; !ferror(table->out) && (cell = next_row(&cursor)) != NULL;)
        for (size_t i = 0; i < count; i++, cell += strlen(cell) + 1)
            print_cell(table, i, i + 1 == count, widths[i],
                       output_field_format(&table->fields[i], cell, shown));
}

static void print_json_rows(const struct output_table *table)
{
    const char *before = "[\n";
    struct row_cursor cursor = begin_rows(table);
    for (const char *cells; !ferror(table->out) && (cells = next_row(&cursor)) != NULL;) {
        fputs(before, table->out);
        print_json_row(table, cells);
        before = ",\n";
    }
    fputs(*before == '[' ? "[]\n" : "\n]\n", table->out);
}

void output_table_print(struct output_table *table)
{
    if (table->sorted && table->row_count > 1)
        table_sort(table->rows, table->row_count);
    if (table->json)
        print_json_rows(table);
    else
        print_text_rows(table);
}

void output_table_free(struct output_table *table)
{
    for (struct output_chunk *chunk = table->first, *next; chunk; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    free(table->rows);
    table->first = table->last = NULL;
    table->rows = NULL;
    table->row_count = 0;
}
