#ifndef PAGE_PAGE_STYLE_H
#define PAGE_PAGE_STYLE_H

/* The style sheet of a page, for the reports of udpload and the live page of udpsrv: colours
 * (light, dark, print), header, and the tiles with the main numbers. The strings follow each other;
 * the last is NULL. */
extern const char *const PAGE_STYLE[];

#endif
