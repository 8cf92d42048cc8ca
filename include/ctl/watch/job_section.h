#ifndef CTL_WATCH_JOB_SECTION_H
#define CTL_WATCH_JOB_SECTION_H

#include "ctl/watch/server_snapshot.h"
#include "terminal/screen.h"

/* The section of the screen of `watch` with the broadcast jobs, in that many rows: first those that
 * wait or run, then those that have ended, the newest first. */
void job_section_draw(const struct server_snapshot *snapshot, struct screen *screen, unsigned rows);

#endif
