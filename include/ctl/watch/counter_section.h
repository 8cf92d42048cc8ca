#ifndef CTL_WATCH_COUNTER_SECTION_H
#define CTL_WATCH_COUNTER_SECTION_H

#include "ctl/watch/server_snapshot.h"
#include "terminal/screen.h"

/* The section of the screen of `watch` with the counters: losses first, and last the counters of
 * losses that are 0, if all of them fit. Wide windows have several columns of counters, the widest
 * ones with a chart of each counter. */

/* Returns how many of the available rows the section needs. Counters that are 0 are included if
 * all counters fit into rows_with_zeros. */
unsigned counter_section_rows(const struct server_snapshot *snapshot, const struct screen *screen,
                              unsigned rows, unsigned rows_with_zeros);

/* Draws the counters in that many rows. */
void counter_section_draw(const struct server_snapshot *snapshot, struct screen *screen,
                          unsigned rows);

#endif
