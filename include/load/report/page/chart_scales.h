#ifndef LOAD_REPORT_PAGE_CHART_SCALES_H
#define LOAD_REPORT_PAGE_CHART_SCALES_H

/* The first part of the HTML page's script: reads the data, formats numbers for people, and defines
 * linear, logarithmic, time and percentile axes with their ticks. The strings are printed one after
 * the other; the last is NULL. */
extern const char *const CHART_SCALES[];

#endif
