#ifndef SERVER_METRICS_PAGE_LIVE_SCRIPT_H
#define SERVER_METRICS_PAGE_LIVE_SCRIPT_H

/* The script of the live page: it asks for status.json each second, and shows it in the elements of
 * LIVE_MARKUP. It follows CHART_SCALES and CHART_DRAWING of page/, which the reports of udpload
 * have, too, and the object MEANINGS, which explains the counters. Like these it inserts text as
 * text nodes, never as markup. The strings follow each other; the last is NULL. */
extern const char *const LIVE_SCRIPT[];

#endif
