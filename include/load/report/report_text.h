#ifndef LOAD_REPORT_REPORT_TEXT_H
#define LOAD_REPORT_REPORT_TEXT_H

#include "load/report/load_result.h"

#include <stdio.h>

/* The report for people: aligned text, microseconds, no escape sequences. 0 or -errno of the write
 * that failed. */
int report_text(FILE *out, const struct load_result *result);

#endif
