#include "ctl/output/output_field.h"

#include "address/device_name.h"
#include "ctl/output/json.h"
#include "text/number_with_unit.h"
#include "text/printable.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUTPUT_PAIR_NAME_BYTES = 32 };

static bool is_text(const struct output_field *field)
{
    return field->kind == OUTPUT_TEXT || output_field_is_optional(field);
}

/* Takes the next word NAME=NUMBER of pairs. Returns whether there is one. */
static bool next_pair(const char **pairs, char name[OUTPUT_PAIR_NAME_BYTES], uint64_t *number)
{
    char word[2 * OUTPUT_PAIR_NAME_BYTES];
    size_t size = strcspn(*pairs, " "), name_size = strcspn(*pairs, "=");
    if (size == 0 || size >= sizeof word || name_size >= size ||
        name_size >= OUTPUT_PAIR_NAME_BYTES)
        return false;
    snprintf(word, sizeof word, "%.*s", (int)size, *pairs);
    snprintf(name, OUTPUT_PAIR_NAME_BYTES, "%.*s", (int)name_size, *pairs);
    *pairs += size + strspn(*pairs + size, " ");
    return number_parse(word + name_size + 1, 0, UINT64_MAX, number) == NULL;
}

static const char *check_pairs(const char *pairs)
{
    char name[OUTPUT_PAIR_NAME_BYTES];
    uint64_t number;
    while (*pairs != '\0')
        if (!next_pair(&pairs, name, &number))
            return "a word that is not NAME=NUMBER";
    return NULL;
}

static void print_pairs(FILE *out, const char *pairs)
{
    char name[OUTPUT_PAIR_NAME_BYTES];
    uint64_t number;
    while (next_pair(&pairs, name, &number)) {
        putc(',', out);
        json_string(out, name);
        fprintf(out, ":%" PRIu64, number);
    }
}

bool output_field_is_optional(const struct output_field *field)
{
    return field->kind == OUTPUT_OPTIONAL_TEXT || field->kind == OUTPUT_OPTIONAL_NAME ||
           field->kind == OUTPUT_PAIRS;
}

static void format_name(const struct device_name *name, char text[OUTPUT_FIELD_TEXT_BYTES])
{
    char *end = text;
    for (size_t at = 0, taken; at < name->size; at += taken)
        end += printable_text(end, name->bytes + at, name->size - at, &taken);
    *end = '\0';
}
_Static_assert(DEVICE_NAME_BYTES_MAX *PRINTABLE_BYTES < (int)OUTPUT_FIELD_TEXT_BYTES + 1,
               "a name fits with all its characters escaped");

const char *output_field_check(const struct output_field *field, const char *value)
{
    uint64_t number;
    if (field->kind == OUTPUT_PAIRS)
        return check_pairs(value);
    if (field->kind == OUTPUT_BOOLEAN)
        return strcmp(value, "yes") == 0 || strcmp(value, "no") == 0
                   ? NULL
                   : "a word that is not yes or no";
    return is_text(field) ? NULL : number_parse(value, 0, UINT64_MAX, &number);
}

void output_field_print_json(FILE *out, const struct output_field *field, const char *value)
{
    if (field->kind == OUTPUT_PAIRS) {
        print_pairs(out, value);
        return;
    }
    json_string(out, field->name);
    putc(':', out);
    struct device_name name;
    if (output_field_is_optional(field) && strcmp(value, "-") == 0)
        value = "";
    if (field->kind == OUTPUT_OPTIONAL_NAME && device_name_parse(&name, value) == NULL)
        json_bytes(out, name.bytes, name.size);
    else if (is_text(field))
        json_string(out, value);
    else if (field->kind == OUTPUT_BOOLEAN)
        fputs(strcmp(value, "yes") == 0 ? "true" : "false", out);
    else
        fprintf(out, "%" PRIu64, (uint64_t)strtoull(value, NULL, 10)); /* "007" is not JSON */
}

const char *output_field_format(const struct output_field *field, const char *value,
                                char text[OUTPUT_FIELD_TEXT_BYTES])
{
    uint64_t number = strtoull(value, NULL, 10);
    struct device_name name;
    if (field->kind == OUTPUT_OPTIONAL_NAME && device_name_parse(&name, value) == NULL)
        format_name(&name, text);
    else if (field->kind == OUTPUT_MILLISECONDS)
        snprintf(text, OUTPUT_FIELD_TEXT_BYTES, "%" PRIu64 ".%03" PRIu64 "s", number / 1000,
                 number % 1000);
    else if (field->kind == OUTPUT_SECONDS)
        snprintf(text, OUTPUT_FIELD_TEXT_BYTES, "%" PRIu64 "s", number);
    else if (is_text(field))
        printable_line(text, OUTPUT_FIELD_TEXT_BYTES, value[0] != '\0' ? value : "-");
    else
        return value;
    return text;
}
