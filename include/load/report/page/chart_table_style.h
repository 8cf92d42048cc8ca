#ifndef LOAD_REPORT_PAGE_CHART_TABLE_STYLE_H
#define LOAD_REPORT_PAGE_CHART_TABLE_STYLE_H

/* The style sheet of the charts and tables of the HTML page, and the rules for narrow screens and
 * for printing. It follows PAGE_STYLE. The strings are printed one after the other; the last is
 * NULL. */
extern const char *const CHART_TABLE_STYLE[];

#endif
