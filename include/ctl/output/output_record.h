#ifndef CTL_OUTPUT_OUTPUT_RECORD_H
#define CTL_OUTPUT_OUTPUT_RECORD_H

#include "ctl/output/output_field.h"

#include <stddef.h>

/* A record: each field once. It is collected from an answer's lines of key and value, and printed
 * as lines, as one line, or as a JSON object. */

enum { OUTPUT_VALUE_BYTES = 64 }; /* of a record's value: a number, a version, a state */

struct output_record {
    const struct output_field *fields;
    size_t count;        /* at most OUTPUT_FIELDS_MAX */
    size_t blank_before; /* OUTPUT_LINES: an empty line precedes this field; 0: none */
    char values[OUTPUT_FIELDS_MAX][OUTPUT_VALUE_BYTES]; /* "" while missing */
};

enum output_format {
    OUTPUT_LINES,    /* a line for each field: name, value, note */
    OUTPUT_ONE_LINE, /* "name value  name value" */
    OUTPUT_JSON,     /* an object in one line */
};

/* An answer_line_handler with the record as its state: stores the value of a field. It ignores
 * unknown keys, because the server may be newer than udpctl. */
const char *output_record_add_line(void *record, const char *key, char *value);

/* Returns the name of a field without a value, or NULL. */
const char *output_record_find_missing(const struct output_record *record);

void output_record_print(FILE *out, const struct output_record *record, enum output_format format);

#endif
