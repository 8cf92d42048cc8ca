#ifndef LOAD_REPORT_PAGE_DRAW_H
#define LOAD_REPORT_PAGE_DRAW_H

/* The part of the page's script that knows how to draw: chart() and what it needs, in parts that
 * end in NULL. Like all of the script it makes text nodes of what it is given, never markup. */
extern const char *const PAGE_DRAW[];

#endif
