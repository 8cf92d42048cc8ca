#ifndef LOAD_REPORT_PAGE_STYLE_H
#define LOAD_REPORT_PAGE_STYLE_H

/* The page's style sheet, in parts that end in NULL. */
extern const char *const PAGE_STYLE[];

#endif
