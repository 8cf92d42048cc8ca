#ifndef CTL_WATCH_SCREEN_LAYOUT_H
#define CTL_WATCH_SCREEN_LAYOUT_H

#include "ctl/watch/server_snapshot.h"
#include "terminal/screen.h"

/* Draws the whole screen of `watch` and decides how many rows each section gets. The screen has
 * begun and may be of any size. The drawing depends only on the snapshot. */
void screen_layout_draw(const struct server_snapshot *snapshot, struct screen *screen);

#endif
