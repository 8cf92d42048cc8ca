#ifndef LOAD_REPORT_PAGE_PAGE_STYLE_H
#define LOAD_REPORT_PAGE_PAGE_STYLE_H

/* The style sheet of the HTML page: colours (light, dark, print), header, and the tiles with the
 * main numbers. The strings are printed one after the other; the last is NULL. */
extern const char *const PAGE_STYLE[];

#endif
