#ifndef LOAD_REPORT_REPORT_HDR_H
#define LOAD_REPORT_REPORT_HDR_H

#include "load/report/load_result.h"

#include <stdio.h>

/* The corrected latency as the percentile table that HdrHistogram and wrk2 print and their plotters
 * load; values in milliseconds, as is usual there. 0 or -errno of the write that failed. */
int report_hdr(FILE *out, const struct load_result *result);

#endif
