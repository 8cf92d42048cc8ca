#ifndef LOAD_REPORT_REPORT_HTML_H
#define LOAD_REPORT_REPORT_HTML_H

#include "load/report/load_result.h"

#include <stdio.h>

/* The report as one self-contained page: nothing is loaded from anywhere, and figures and verdict
 * are there without its script, which draws the charts. 0 or -errno of the write that failed. */
int report_html(FILE *out, const struct load_result *result);

#endif
