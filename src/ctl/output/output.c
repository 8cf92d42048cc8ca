/* Records and tables, as aligned text or as JSON, from the same lines of an answer. */
#include "ctl/output/output.h"

#include "address/client_name.h"
#include "ctl/output/json.h"
#include "os/log/error_message.h"
#include "text/number_with_unit.h"
#include "text/printable.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_BYTES = 1024 }; /* of a value as people read it, escaped */

static const char *check(const struct output_field *field, const char *value)
{
    uint64_t number;
    return field->kind == OUTPUT_TEXT ? NULL : number_parse(value, 0, UINT64_MAX, &number);
}

static void print_member(FILE *out, const struct output_field *field, const char *value)
{
    json_string(out, field->name);
    putc(':', out);
    if (field->kind == OUTPUT_TEXT)
        json_string(out, value);
    else
        fprintf(out, "%" PRIu64, (uint64_t)strtoull(value, NULL, 10)); /* "007" is not JSON */
}

/* ---- Records ---- */

const char *output_record_line(void *state, const char *key, char *value)
{
    struct output_record *record = state;
    for (size_t i = 0; i < record->count; i++) {
        if (strcmp(record->fields[i].name, key) != 0)
            continue;
        if (*value == '\0' || strlen(value) >= OUTPUT_VALUE_BYTES)
            return "a value that is empty or too long";
        strcpy(record->values[i], value);
        return check(&record->fields[i], value);
    }
    return NULL;
}

const char *output_record_missing(const struct output_record *record)
{
    for (size_t i = 0; i < record->count; i++)
        if (record->values[i][0] == '\0')
            return record->fields[i].name;
    return NULL;
}

static void print_object(FILE *out, const struct output_record *record)
{
    for (size_t i = 0; i < record->count; i++) {
        putc(i == 0 ? '{' : ',', out);
        print_member(out, &record->fields[i], record->values[i]);
    }
    fputs("}\n", out);
}

static void print_lines(FILE *out, const struct output_record *record)
{
    char shown[SHOWN_BYTES];
    int name = 0, value = 0;
    for (size_t i = 0; i < record->count; i++) {
        int lengths[] = {(int)strlen(record->fields[i].name),
                         (int)printable_line(shown, sizeof shown, record->values[i])};
        name = lengths[0] > name ? lengths[0] : name;
        value = lengths[1] > value ? lengths[1] : value;
    }
    for (size_t i = 0; i < record->count; i++) {
        const struct output_field *field = &record->fields[i];
        printable_line(shown, sizeof shown, record->values[i]);
        if (i > 0 && i == record->apart)
            putc('\n', out);
        if (field->note)
            fprintf(out, "%-*s  %*s  %s\n", name, field->name, value, shown, field->note);
        else
            fprintf(out, "%-*s  %s\n", name, field->name, shown);
    }
}

static void print_row(FILE *out, const struct output_record *record)
{
    char shown[SHOWN_BYTES];
    for (size_t i = 0; i < record->count; i++) {
        printable_line(shown, sizeof shown, record->values[i]);
        fprintf(out, "%s %s%s", record->fields[i].name, shown, i + 1 < record->count ? "  " : "\n");
    }
}

void output_record_print(FILE *out, const struct output_record *record, enum output_form form)
{
    if (form == OUTPUT_JSON)
        print_object(out, record);
    else if (form == OUTPUT_LINES)
        print_lines(out, record);
    else
        print_row(out, record);
}

/* ---- Tables ---- */

enum { CHUNK_BYTES = 64 << 10 }; /* any row is shorter: a line of an answer has 8 KiB */

/* Rows one behind the other: of each its cells, each with its NUL. */
struct output_chunk {
    struct output_chunk *next;
    size_t used;
    char cells[CHUNK_BYTES];
};

/* A row of a table that is sorted. */
struct output_row {
    const char *cells;
    uint64_t number; /* what it is sorted by, */
    struct client_name name;
};

/* Puts a NUL behind each cell of a line. */
static const char *split(const struct output_table *table, char *line, size_t *size)
{
    char *cell = line;
    for (size_t i = 0; i < table->count; i++) {
        char *end = cell + strcspn(cell, " ");
        bool last = *end == '\0';
        *end = '\0';
        if (*cell == '\0' || (last && i + 1 < table->count))
            return "a column is missing";
        const char *wrong = check(&table->fields[i], cell);
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
        putc(i == 0 ? '{' : ',', table->out);
        print_member(table->out, &table->fields[i], cells);
    }
    putc('}', table->out);
}

/* Room for a row's cells; NULL when memory is short. */
static char *make_room(struct output_table *table, size_t size)
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

static bool keep_order(struct output_table *table, const char *cells)
{
    struct output_row row = {.cells = cells};
    const struct output_field *field = &table->fields[table->sort_by];
    if (field->kind != OUTPUT_TEXT)
        row.number = strtoull(cell_of(cells, table->sort_by), NULL, 10);
    client_name_parse(&row.name, NULL, cells);
    /* A power of two is where the room ends. */
    if ((table->row_count & (table->row_count - 1)) == 0) {
        size_t room = table->row_count == 0 ? 1 : 2 * table->row_count;
        struct output_row *rows = reallocarray(table->rows, room, sizeof *rows);
        if (!rows)
            return false;
        table->rows = rows;
    }
    table->rows[table->row_count] = row;
    return true;
}

static const char *keep(struct output_table *table, const char *cells, size_t size)
{
    char *kept = size <= CHUNK_BYTES ? make_room(table, size) : NULL;
    if (!kept)
        return "memory is short";
    memcpy(kept, cells, size);
    if (table->sorted && !keep_order(table, kept))
        return "memory is short";
    table->row_count++;
    return NULL;
}

const char *output_table_line(void *state, const char *key, char *value)
{
    struct output_table *table = state;
    if (strcmp(key, table->key) != 0)
        return NULL;
    size_t size;
    const char *wrong = split(table, value, &size);
    if (wrong)
        return wrong;
    bool enough = !table->sorted && table->limit > 0 && table->row_count == table->limit;
    return enough ? NULL : keep(table, value, size);
}

/* ---- What was kept, row by row ---- */

struct cursor {
    const struct output_table *table;
    const struct output_chunk *chunk;
    size_t at, row;
};

static struct cursor begin_rows(const struct output_table *table)
{
    return (struct cursor){.table = table, .chunk = table->first};
}

/* The cells of the next row that is to be printed; NULL behind the last. */
static const char *next_row(struct cursor *cursor)
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

static int compare_rows(const void *a, const void *b)
{
    const struct output_row *left = a, *right = b;
    if (left->number != right->number)
        return left->number < right->number ? -1 : 1;
    return client_name_compare(&left->name, &right->name);
}

/* A cell as people read it. */
static const char *for_people(const struct output_field *field, const char *cell,
                              char shown[SHOWN_BYTES])
{
    uint64_t number = strtoull(cell, NULL, 10);
    if (field->kind == OUTPUT_MILLISECONDS)
        snprintf(shown, SHOWN_BYTES, "%" PRIu64 ".%03" PRIu64 "s", number / 1000, number % 1000);
    else if (field->kind == OUTPUT_SECONDS)
        snprintf(shown, SHOWN_BYTES, "%" PRIu64 "s", number);
    else if (field->kind == OUTPUT_TEXT)
        printable_line(shown, SHOWN_BYTES, cell);
    else
        return cell;
    return shown;
}

/* Text to the left, numbers to the right, no blanks at a line's end. */
static void print_cell(const struct output_table *table, size_t column, int width, const char *cell)
{
    bool last = column + 1 == table->count;
    if (table->fields[column].kind != OUTPUT_TEXT)
        fprintf(table->out, "%*s", width, cell);
    else
        fprintf(table->out, "%-*s", last ? 0 : width, cell);
    fputs(last ? "\n" : "  ", table->out);
}

static void print_text_rows(const struct output_table *table)
{
    int widths[OUTPUT_FIELDS_MAX];
    char shown[SHOWN_BYTES];
    struct cursor cursor = begin_rows(table);
    for (size_t i = 0; i < table->count; i++)
        widths[i] = (int)strlen(table->fields[i].note);
    for (const char *cell; (cell = next_row(&cursor)) != NULL;)
        for (size_t i = 0; i < table->count; i++, cell += strlen(cell) + 1) {
            int width = (int)strlen(for_people(&table->fields[i], cell, shown));
            widths[i] = width > widths[i] ? width : widths[i];
        }
    for (size_t i = 0; i < table->count; i++)
        print_cell(table, i, widths[i], table->fields[i].note);
    cursor = begin_rows(table);
    for (const char *cell; !ferror(table->out) && (cell = next_row(&cursor)) != NULL;)
        for (size_t i = 0; i < table->count; i++, cell += strlen(cell) + 1)
            print_cell(table, i, widths[i], for_people(&table->fields[i], cell, shown));
}

static void print_json_rows(const struct output_table *table)
{
    const char *before = "[\n";
    struct cursor cursor = begin_rows(table);
    for (const char *cells; !ferror(table->out) && (cells = next_row(&cursor)) != NULL;) {
        fputs(before, table->out);
        print_json_row(table, cells);
        before = ",\n";
    }
    fputs(*before == '[' ? "[]\n" : "\n]\n", table->out);
}

void output_table_finish(struct output_table *table)
{
    if (table->sorted && table->row_count > 1)
        qsort(table->rows, table->row_count, sizeof *table->rows, compare_rows);
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

/* ---- Failures ---- */

int output_error(bool json, const char *text)
{
    if (!json) {
        fflush(stdout);
        print_error_text(text, NULL);
        return 1;
    }
    fputs("{\"error\":", stdout);
    json_string(stdout, text);
    fputs("}\n", stdout);
    return 1;
}

int output_close(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    if (errno == EPIPE)
        return status;
    print_error(strerror(errno), "part of the output is lost: free space there",
                "writing standard output");
    return status ? status : 1;
}
