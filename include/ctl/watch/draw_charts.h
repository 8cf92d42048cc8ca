#ifndef CTL_WATCH_DRAW_CHARTS_H
#define CTL_WATCH_DRAW_CHARTS_H

#include "ctl/watch/watch_data.h"
#include "terminal/screen.h"

/* The last minutes as diagrams: of requests; in wider and higher windows, beside and below each
 * other, of losses, clients and copies, too. */

enum {
    CHART_ROWS_MIN = 6,  /* of a diagram with caption and times; in fewer rows it is one row high */
    CHART_ROWS_MAX = 30, /* of all of them together */
};

/* Draws them into so many rows, at least 1. */
void draw_charts(const struct watch_data *view, struct screen *screen, unsigned rows);

#endif
