#ifndef CTL_VIEW_CHART_H
#define CTL_VIEW_CHART_H

#include "ctl/view.h"
#include "terminal/screen.h"

/* The last minutes as diagrams: of requests; in wider and higher windows, beside and below each
 * other, of losses, clients and copies, too. */

enum {
    CHART_ROWS_MIN = 6,  /* of a diagram with caption and times; in fewer rows it is one row high */
    CHART_ROWS_MAX = 30, /* of all of them together */
};

/* Draws them into so many rows, at least 1. */
void view_charts_draw(const struct view *view, struct screen *screen, unsigned rows);

#endif
