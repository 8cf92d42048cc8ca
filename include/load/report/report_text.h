#ifndef LOAD_REPORT_REPORT_TEXT_H
#define LOAD_REPORT_REPORT_TEXT_H

#include "load/report/load_result.h"

#include <stdio.h>

/* Writes the report as aligned text for people: latencies in microseconds, no escape sequences.
 * Returns 0, or -errno of the write that failed. */
int report_text(FILE *out, const struct load_result *result);

#endif
