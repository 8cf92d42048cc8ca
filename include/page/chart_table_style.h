#ifndef PAGE_CHART_TABLE_STYLE_H
#define PAGE_CHART_TABLE_STYLE_H

/* The style sheet of the charts and tables of a page, and the rules for narrow screens and for
 * printing. It follows PAGE_STYLE. The strings follow each other; the last is NULL. */
extern const char *const CHART_TABLE_STYLE[];

#endif
