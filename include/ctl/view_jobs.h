#ifndef CTL_VIEW_JOBS_H
#define CTL_VIEW_JOBS_H

#include "ctl/view.h"
#include "terminal/screen.h"

/* Draws the broadcasts into so many rows: those that are open, then those that have ended, the
 * newest first. */
void view_jobs_draw(const struct view *view, struct screen *screen, unsigned rows);

#endif
