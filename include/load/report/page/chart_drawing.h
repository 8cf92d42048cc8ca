#ifndef LOAD_REPORT_PAGE_CHART_DRAWING_H
#define LOAD_REPORT_PAGE_CHART_DRAWING_H

/* The second part of the HTML page's script: chart() and what it needs to draw lines, bars, axes
 * and legends as SVG, and to show values at the pointer. Like all of the script it inserts text as
 * text nodes, never as markup. The strings are printed one after the other; the last is NULL. */
extern const char *const CHART_DRAWING[];

#endif
