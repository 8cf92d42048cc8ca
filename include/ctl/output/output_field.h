#ifndef CTL_OUTPUT_OUTPUT_FIELD_H
#define CTL_OUTPUT_OUTPUT_FIELD_H

#include <stdbool.h>
#include <stdio.h>

/* A field of a record or a column of a table: its name and its type, and how a value is checked
 * and printed as JSON or as text for people. */

enum output_kind {
    OUTPUT_TEXT,
    OUTPUT_OPTIONAL_TEXT, /* "-", or a missing last column of a table: none; in JSON "" */
    OUTPUT_OPTIONAL_NAME, /* the same of a device's name, in the form of address/device_name */
    OUTPUT_PAIRS, /* only the last column of a table: the rest of the line, words NAME=NUMBER, which
                     are members of their own in JSON; may be missing. For people, the column is
                     left out if it is missing in all rows. */
    OUTPUT_NUMBER,
    OUTPUT_OPTIONAL_NUMBER, /* only of a record: it is left out if the answer has none */
    OUTPUT_BOOLEAN,         /* "yes" or "no"; true or false in JSON */
    OUTPUT_SECONDS,         /* in tables for people: "12s" */
    OUTPUT_MILLISECONDS,    /* in tables for people: "1.234s" */
};

struct output_field {
    const char *name; /* in JSON; in a record also the key of the answer's line */
    const char *note; /* in a table the column's header; in a record the meaning, or NULL */
    enum output_kind kind;
};

enum {
    OUTPUT_FIELDS_MAX = 64,         /* of a record or a table */
    OUTPUT_FIELD_TEXT_BYTES = 1024, /* of a value as text for people, escaped */
};

/* Returns NULL if the value is valid for the field's type, or else what is wrong, a static string.
 */
const char *output_field_check(const struct output_field *field, const char *value);

/* Whether a value may be missing. */
bool output_field_is_optional(const struct output_field *field);

/* Prints "name":value. Of OUTPUT_PAIRS it prints a comma and a member for each word. */
void output_field_print_json(FILE *out, const struct output_field *field, const char *value);

/* Returns the value as text for people: value itself or text. */
const char *output_field_format(const struct output_field *field, const char *value,
                                char text[OUTPUT_FIELD_TEXT_BYTES]);

#endif
