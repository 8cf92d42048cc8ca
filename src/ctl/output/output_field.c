#include "ctl/output/output_field.h"

#include "address/device_name.h"
#include "ctl/output/json.h"
#include "text/number_with_unit.h"
#include "text/printable.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_text(const struct output_field *field)
{
    return field->kind == OUTPUT_TEXT || output_field_is_optional(field);
}

bool output_field_is_optional(const struct output_field *field)
{
    return field->kind == OUTPUT_OPTIONAL_TEXT || field->kind == OUTPUT_OPTIONAL_NAME;
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
    return is_text(field) ? NULL : number_parse(value, 0, UINT64_MAX, &number);
}

void output_field_print_json(FILE *out, const struct output_field *field, const char *value)
{
    json_string(out, field->name);
    putc(':', out);
    struct device_name name;
    if (output_field_is_optional(field) && strcmp(value, "-") == 0)
        value = "";
    if (field->kind == OUTPUT_OPTIONAL_NAME && device_name_parse(&name, value) == NULL)
        json_bytes(out, name.bytes, name.size);
    else if (is_text(field))
        json_string(out, value);
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
