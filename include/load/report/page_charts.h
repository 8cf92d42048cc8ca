#ifndef LOAD_REPORT_PAGE_CHARTS_H
#define LOAD_REPORT_PAGE_CHARTS_H

/* The part of the page's script that says what is drawn, behind PAGE_DRAW: from the JSON in the
 * element with the id data, into the figures over-time, by-percentile and rate. Parts that end in
 * NULL. */
extern const char *const PAGE_CHARTS[];

#endif
