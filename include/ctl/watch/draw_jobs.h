#ifndef CTL_WATCH_DRAW_JOBS_H
#define CTL_WATCH_DRAW_JOBS_H

#include "ctl/watch/watch_data.h"
#include "terminal/screen.h"

/* Draws the broadcasts into so many rows: those that are open, then those that have ended, the
 * newest first. */
void draw_jobs(const struct watch_data *view, struct screen *screen, unsigned rows);

#endif
