#ifndef CTL_WATCH_DRAW_COUNTERS_H
#define CTL_WATCH_DRAW_COUNTERS_H

#include "ctl/watch/watch_data.h"
#include "terminal/screen.h"

/* The counters: what is lost first, and last, where there is room for them all, the reasons for
 * which nothing was lost. In wide windows they stand in several columns, in the widest with a
 * diagram of each. */

/* How many rows they take if at most so many are there; and so many for those that have counted
 * something and those that have not together. */
unsigned draw_counters_rows(const struct watch_data *view, unsigned columns, unsigned rows,
                            unsigned rows_with_zeros);

/* Draws them in so many rows. */
void draw_counters(const struct watch_data *view, struct screen *screen, unsigned rows);

#endif
