#ifndef LOAD_REPORT_REPORT_JSON_H
#define LOAD_REPORT_REPORT_JSON_H

#include "load/report/load_result.h"

#include <stdio.h>

/* Writes the report as one JSON object (RFC 8259), valid for every result. Latencies and lag are
 * microseconds, rates are per second. A value that does not exist is null: a percentile without
 * replies, the requested rate of -Q max. Returns 0, or -errno of the write that failed. */
int report_json(FILE *out, const struct load_result *result);

#endif
