#ifndef CTL_VIEW_COUNTERS_H
#define CTL_VIEW_COUNTERS_H

#include "ctl/view.h"
#include "terminal/screen.h"

/* The counters: what is lost first, and last, where there is room for them all, the reasons for
 * which nothing was lost. In wide windows they stand in several columns, in the widest with a
 * diagram of each. */

/* How many rows they take if at most so many are there; and so many for those that have counted
 * something and those that have not together. */
unsigned view_counters_rows(const struct view *view, unsigned columns, unsigned rows,
                            unsigned rows_with_zeros);

/* Draws them in so many rows. */
void view_counters_draw(const struct view *view, struct screen *screen, unsigned rows);

#endif
