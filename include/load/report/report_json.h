#ifndef LOAD_REPORT_REPORT_JSON_H
#define LOAD_REPORT_REPORT_JSON_H

#include "load/report/load_result.h"

#include <stdio.h>

/* The report for programs: one JSON object (RFC 8259), valid whatever the run was. Latencies and
 * lag are microseconds, rates are per second; what there is none of (a percentile of no replies,
 * the requested rate of a run as fast as it goes) is null. 0 or -errno of the write that failed. */
int report_json(FILE *out, const struct load_result *result);

#endif
