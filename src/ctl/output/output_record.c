#include "ctl/output/output_record.h"

#include "text/printable.h"

#include <stdbool.h>
#include <string.h>

const char *output_record_add_line(void *state, const char *key, char *value)
{
    struct output_record *record = state;
    for (size_t i = 0; i < record->count; i++) {
        if (strcmp(record->fields[i].name, key) != 0)
            continue;
        if (*value == '\0' || strlen(value) >= OUTPUT_VALUE_BYTES)
            return "a value that is empty or too long";
        strcpy(record->values[i], value);
        return output_field_check(&record->fields[i], value);
    }
    return NULL;
}

const char *output_record_find_missing(const struct output_record *record)
{
    for (size_t i = 0; i < record->count; i++)
        if (record->values[i][0] == '\0' && record->fields[i].kind != OUTPUT_OPTIONAL_NUMBER)
            return record->fields[i].name;
    return NULL;
}

/* Whether a field has no value. One that is not optional is never missing when it is printed. */
static bool is_missing(const struct output_record *record, size_t field)
{
    return record->values[field][0] == '\0';
}

static void print_object(FILE *out, const struct output_record *record)
{
    char before = '{';
    for (size_t i = 0; i < record->count; i++) {
        if (is_missing(record, i))
            continue;
        putc(before, out);
        output_field_print_json(out, &record->fields[i], record->values[i]);
        before = ',';
    }
    fputs("}\n", out);
}

static void print_lines(FILE *out, const struct output_record *record)
{
    char shown[OUTPUT_FIELD_TEXT_BYTES];
    int name = 0, value = 0;
    for (size_t i = 0; i < record->count; i++) {
        if (is_missing(record, i))
            continue;
        int lengths[] = {(int)strlen(record->fields[i].name),
                         (int)printable_line(shown, sizeof shown, record->values[i])};
        name = lengths[0] > name ? lengths[0] : name;
        value = lengths[1] > value ? lengths[1] : value;
    }
    for (size_t i = 0; i < record->count; i++) {
        const struct output_field *field = &record->fields[i];
        if (is_missing(record, i))
            continue;
        printable_line(shown, sizeof shown, record->values[i]);
        if (i > 0 && i == record->blank_before)
            putc('\n', out);
        if (field->note)
            fprintf(out, "%-*s  %*s  %s\n", name, field->name, value, shown, field->note);
        else
            fprintf(out, "%-*s  %s\n", name, field->name, shown);
    }
}

static void print_one_line(FILE *out, const struct output_record *record)
{
    char shown[OUTPUT_FIELD_TEXT_BYTES];
    const char *before = "";
    for (size_t i = 0; i < record->count; i++) {
        if (is_missing(record, i))
            continue;
        printable_line(shown, sizeof shown, record->values[i]);
        fprintf(out, "%s%s %s", before, record->fields[i].name, shown);
        before = "  ";
    }
    putc('\n', out);
}

void output_record_print(FILE *out, const struct output_record *record, enum output_format format)
{
    if (format == OUTPUT_JSON)
        print_object(out, record);
    else if (format == OUTPUT_LINES)
        print_lines(out, record);
    else
        print_one_line(out, record);
}
