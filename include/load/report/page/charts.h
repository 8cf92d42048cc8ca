#ifndef LOAD_REPORT_PAGE_CHARTS_H
#define LOAD_REPORT_PAGE_CHARTS_H

/* The last part of the HTML page's script: draws the three charts (latency over time, latency by
 * percentile, rate and loss) from the JSON in the element `data` into the figures `over-time`,
 * `by-percentile` and `rate`. It follows CHART_DRAWING. The strings are printed one after the
 * other; the last is NULL. */
extern const char *const CHARTS_SCRIPT[];

#endif
