#ifndef CTL_WATCH_CHART_SECTION_H
#define CTL_WATCH_CHART_SECTION_H

#include "ctl/watch/server_snapshot.h"
#include "terminal/screen.h"

/* The section of the screen of `watch` with charts of the last minutes: of requests and, in larger
 * windows, also of losses, clients and broadcast copies, side by side and one below another. */

enum {
    CHART_SECTION_ROWS_MIN = 6,  /* of a chart with caption and times; with fewer, it is one row */
    CHART_SECTION_ROWS_MAX = 30, /* of all charts together */
};

/* Draws the charts in that many rows, at least 1. */
void chart_section_draw(const struct server_snapshot *snapshot, struct screen *screen,
                        unsigned rows);

#endif
