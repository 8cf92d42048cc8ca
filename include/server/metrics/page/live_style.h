#ifndef SERVER_METRICS_PAGE_LIVE_STYLE_H
#define SERVER_METRICS_PAGE_LIVE_STYLE_H

/* The style sheet of the live page. It follows PAGE_STYLE and CHART_TABLE_STYLE of page/, which the
 * reports of udpload have, too. The strings follow each other; the last is NULL. */
extern const char *const LIVE_STYLE[];

#endif
