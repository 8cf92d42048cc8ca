#ifndef LOAD_REPORT_REPORT_HDR_H
#define LOAD_REPORT_REPORT_HDR_H

#include "load/report/load_result.h"

#include <stdio.h>

/* Writes the corrected latency as the percentile table of HdrHistogram and wrk2, which their
 * plotters read. Values are milliseconds, as usual there. Returns 0, or -errno of the write that
 * failed. */
int report_hdr(FILE *out, const struct load_result *result);

#endif
