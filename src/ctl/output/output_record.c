#include "ctl/output/output_record.h"

#include "text/printable.h"

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
        if (record->values[i][0] == '\0')
            return record->fields[i].name;
    return NULL;
}

static void print_object(FILE *out, const struct output_record *record)
{
    for (size_t i = 0; i < record->count; i++) {
        putc(i == 0 ? '{' : ',', out);
        output_field_print_json(out, &record->fields[i], record->values[i]);
    }
    fputs("}\n", out);
}

static void print_lines(FILE *out, const struct output_record *record)
{
    char shown[OUTPUT_FIELD_TEXT_BYTES];
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
    for (size_t i = 0; i < record->count; i++) {
        printable_line(shown, sizeof shown, record->values[i]);
        fprintf(out, "%s %s%s", record->fields[i].name, shown, i + 1 < record->count ? "  " : "\n");
    }
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
