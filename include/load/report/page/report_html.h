#ifndef LOAD_REPORT_PAGE_REPORT_HTML_H
#define LOAD_REPORT_PAGE_REPORT_HTML_H

#include "load/report/load_result.h"

#include <stdio.h>

/* Writes the report as one self-contained HTML page: it loads nothing, and shows the verdict and
 * all numbers without its script, which draws the charts. Returns 0, or -errno of the write that
 * failed.
 */
int report_html(FILE *out, const struct load_result *result);

#endif
