#ifndef PAGE_CHART_SCALES_H
#define PAGE_CHART_SCALES_H

/* The first part of a page's script, for the reports of udpload and the live page of udpsrv:
 * formats numbers for people, and defines linear, logarithmic, time and percentile axes with their
 * ticks. The strings follow each other; the last is NULL. */
extern const char *const CHART_SCALES[];

#endif
