#ifndef PAGE_CHART_DRAWING_H
#define PAGE_CHART_DRAWING_H

/* A part of a page's script: chart() and what it needs to draw lines, bars, axes and legends as
 * SVG, and to show values at the pointer. It follows CHART_SCALES. Like all scripts of the pages it
 * inserts text as text nodes, never as markup. The strings follow each other; the last is NULL. */
extern const char *const CHART_DRAWING[];

#endif
